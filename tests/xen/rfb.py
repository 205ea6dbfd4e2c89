#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A small RFB (VNC) client for tests, benches and screen shots: RFC 6143 and the
extensions that QEMU's clients use.

rfb.py HOST:PORT [--password P] [--encoding NAME] [--png FILE] [--text FONT-ROM]
       [--keys TEXT] [--size WxH --wait S] [--watch S] [--hold S]
Prints "name value unit" lines:
  vnc_connect       TCP connect until the server's ServerInit is there
  vnc_first_frame   TCP connect until a whole frame is there
  and with --watch, asking for the next update as soon as one has come,
  vnc_updates, vnc_rects, vnc_mbytes per second, and vnc_frames: pixels received
  over pixels of the screen, per second
--wait: ask for full frames until the size is that of --size
--hold: stay connected, asking for incremental updates, printing nothing
"""
import argparse
import select
import socket
import struct
import subprocess
import sys
import time
import zlib

RAW, COPYRECT, HEXTILE, ZLIB, TIGHT, ZRLE = 0, 1, 5, 6, 7, 16
DESKTOP_SIZE, EXT_DESKTOP_SIZE, EXT_KEY = -223, -308, -258
NAMES = {'raw': RAW, 'copyrect': COPYRECT, 'hextile': HEXTILE, 'zlib': ZLIB, 'tight': TIGHT, 'zrle': ZRLE}
KEYS = {'enter': 0xff0d, 'esc': 0xff1b, 'tab': 0xff09, 'up': 0xff52, 'down': 0xff54,
        'left': 0xff51, 'right': 0xff53, 'f1': 0xffbe, 'f2': 0xffbf, 'shift': 0xffe1,
        'ctrl': 0xffe3, 'backspace': 0xff08}
# what Shift makes of the keys of a US keyboard
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./"))
# set-1 scan codes of the same, which the extended key event carries
SCAN = {c: first + i for first, row in ((2, '1234567890-='), (16, 'qwertyuiop[]\n'), (30, "asdfghjkl;'`"),
                                        (43, '\\zxcvbnm,./'), (57, ' ')) for i, c in enumerate(row)}
SCAN_SHIFT = 42


class RfbError(Exception):
    pass


def des_response(password, challenge):
    """VNC authentication: DES with the password as key, each byte's bits reversed."""
    key = bytes(int('{:08b}'.format(b)[::-1], 2) for b in password.encode('latin-1')[:8].ljust(8, b'\0'))
    p = subprocess.run(['openssl', 'enc', '-e', '-des-ecb', '-nopad', '-K', key.hex(),
                        '-provider', 'legacy', '-provider', 'default'],
                       input=challenge, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if p.returncode or len(p.stdout) != 16:
        raise RfbError('openssl cannot do DES: ' + p.stderr.decode(errors='replace')[-200:])
    return p.stdout


class Rfb:
    """One connection. fb holds the screen, 4 bytes per pixel: blue, green, red, 0."""

    def __init__(self, host, port=None, password=None, encodings=(RAW,), timeout=60):
        self.begun = time.monotonic()
        if port is None:
            self.s = socket.socket(socket.AF_UNIX)
            self.s.connect(host)
        else:
            self.s = socket.create_connection((host, port), 10)
            self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s.settimeout(timeout)
        self.rects = self.pixels = self.bytes = self.resizes = 0
        self.ext_key = self.ext_desktop = False
        self.w = self.h = 0
        try:
            self._handshake(password)
        except OSError as e:
            raise RfbError('handshake: %s' % e) from e
        self.connected = time.monotonic() - self.begun
        # 32 bits per pixel, little endian, red at bit 16
        self.s.sendall(struct.pack('>BxxxBBBBHHHBBBxxx', 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        every = list(encodings) + [DESKTOP_SIZE, EXT_DESKTOP_SIZE, EXT_KEY]
        self.s.sendall(struct.pack('>BxH', 2, len(every)) + b''.join(struct.pack('>i', e) for e in every))
        self.zlib = zlib.decompressobj()
        self.zrle = zlib.decompressobj()
        self.tight = [zlib.decompressobj() for _ in range(4)]
        self._resize(self.w, self.h)

    def _handshake(self, password):
        version = self.get(12)
        if not version.startswith(b'RFB 003.'):
            raise RfbError('not an RFB server: %r' % version)
        self.s.sendall(b'RFB 003.008\n')
        types = self.get(self.get(1)[0])
        if not types:
            raise RfbError('refused: ' + self.get(struct.unpack('>I', self.get(4))[0]).decode(errors='replace'))
        self.auth = types
        kind = 2 if 2 in types and password is not None else 1
        if kind not in types:
            raise RfbError('the server wants a password')
        self.s.sendall(bytes([kind]))
        if kind == 2:
            self.s.sendall(des_response(password, self.get(16)))
        if self.get(4) != b'\0\0\0\0':
            raise RfbError('authentication failed')
        self.s.sendall(b'\1')
        self.w, self.h = struct.unpack('>HH', self.get(4))
        self.format = self.get(16)
        self.name = self.get(struct.unpack('>I', self.get(4))[0]).decode(errors='replace')

    def close(self):
        self.s.close()

    def get(self, n):
        b = bytearray(n)
        self._into(memoryview(b))
        return bytes(b)

    def _into(self, m):
        while m:
            try:
                k = self.s.recv_into(m)
            except socket.timeout:
                raise RfbError('the server does not answer') from None
            if not k:
                raise RfbError('the server closed the connection')
            m = m[k:]
            self.bytes += k

    def _resize(self, w, h):
        self.w, self.h = w, h
        self.fb = bytearray(w * h * 4)
        self.resizes += 1

    def ask(self, incremental=True):
        self.s.sendall(struct.pack('>BBHHHH', 3, incremental, 0, 0, self.w, self.h))

    # ---- encodings ----

    def _put(self, x, y, w, h, data):
        m, row = memoryview(self.fb), w * 4
        if x == 0 and w == self.w:
            m[y * row:(y + h) * row] = data
            return
        for i in range(h):
            o = ((y + i) * self.w + x) * 4
            m[o:o + row] = data[i * row:(i + 1) * row]

    def _rect(self, x, y, w, h, encoding):
        if encoding == RAW:
            if x == 0 and w == self.w:
                self._into(memoryview(self.fb)[y * w * 4:(y + h) * w * 4])
            else:
                self._put(x, y, w, h, self.get(w * h * 4))
        elif encoding == COPYRECT:
            sx, sy = struct.unpack('>HH', self.get(4))
            rows = [bytes(self.fb[((sy + i) * self.w + sx) * 4:][:w * 4]) for i in range(h)]
            self._put(x, y, w, h, b''.join(rows))
        elif encoding == ZLIB:
            self._put(x, y, w, h, self.zlib.decompress(self.get(struct.unpack('>I', self.get(4))[0])))
        elif encoding == HEXTILE:
            self._hextile(x, y, w, h)
        elif encoding == ZRLE:
            self._zrle(x, y, w, h)
        elif encoding == TIGHT:
            self._tight(x, y, w, h)
        else:
            raise RfbError('encoding %d was not asked for' % encoding)

    def _hextile(self, x0, y0, w0, h0):
        back = fore = bytes(4)
        for y in range(y0, y0 + h0, 16):
            for x in range(x0, x0 + w0, 16):
                w, h = min(16, x0 + w0 - x), min(16, y0 + h0 - y)
                flags = self.get(1)[0]
                if flags & 1:
                    self._put(x, y, w, h, self.get(w * h * 4))
                    continue
                if flags & 2:
                    back = self.get(4)
                if flags & 4:
                    fore = self.get(4)
                self._put(x, y, w, h, back * (w * h))
                for _ in range(self.get(1)[0] if flags & 8 else 0):
                    colour = self.get(4) if flags & 16 else fore
                    at, size = self.get(2)
                    sw, sh = (size >> 4) + 1, (size & 15) + 1
                    self._put(x + (at >> 4), y + (at & 15), sw, sh, colour * (sw * sh))

    def _zrle(self, x0, y0, w0, h0):
        data = self.zrle.decompress(self.get(struct.unpack('>I', self.get(4))[0]))
        at = 0

        def take(n):
            nonlocal at
            at += n
            if at > len(data):
                raise RfbError('ZRLE data too short')
            return data[at - n:at]

        def pixel():
            return take(3) + b'\0'

        def run():
            n = 1
            while True:
                b = take(1)[0]
                n += b
                if b != 255:
                    return n

        for y in range(y0, y0 + h0, 64):
            for x in range(x0, x0 + w0, 64):
                w, h = min(64, x0 + w0 - x), min(64, y0 + h0 - y)
                n, kind = w * h, take(1)[0]
                if kind == 0:
                    out = b''.join(pixel() for _ in range(n))
                elif kind == 1:
                    out = pixel() * n
                elif 2 <= kind <= 16:
                    colours = [pixel() for _ in range(kind)]
                    bits = 1 if kind == 2 else 2 if kind <= 4 else 4
                    rows = []
                    for _ in range(h):
                        line = int.from_bytes(take((w * bits + 7) // 8), 'big')
                        width = (w * bits + 7) // 8 * 8
                        rows += [colours[(line >> (width - bits * (i + 1))) & ((1 << bits) - 1)] for i in range(w)]
                    out = b''.join(rows)
                elif kind == 128 or kind >= 130:
                    colours = [pixel() for _ in range(kind - 128)] if kind > 128 else []
                    parts, left = [], n
                    while left > 0:
                        if not colours:
                            c, k = pixel(), run()
                        else:
                            i = take(1)[0]
                            c, k = colours[i & 127], run() if i & 128 else 1
                        parts.append(c * k)
                        left -= k
                    out = b''.join(parts)
                else:
                    raise RfbError('ZRLE tile type %d' % kind)
                if len(out) != n * 4:
                    raise RfbError('ZRLE tile of a wrong size')
                self._put(x, y, w, h, out)

    def _tight(self, x, y, w, h):
        def length():
            n = shift = 0
            while True:
                b = self.get(1)[0]
                n |= (b & (255 if shift == 14 else 127)) << shift
                shift += 7
                if not b & 128 or shift > 14:
                    return n

        control = self.get(1)[0]
        for i in range(4):
            if control >> i & 1:
                self.tight[i] = zlib.decompressobj()
        if control >> 4 == 8:
            self._put(x, y, w, h, (self.get(3)[::-1] + b'\0') * (w * h))
            return
        if control & 0x80:
            raise RfbError('tight: compression %02x was not asked for' % control)
        kind = self.get(1)[0] if control & 0x40 else 0
        colours = []
        size = w * h * 3
        if kind == 1:
            n = self.get(1)[0] + 1
            colours = [self.get(3)[::-1] + b'\0' for _ in range(n)]
            size = (w + 7) // 8 * h if n == 2 else w * h
        data = self.get(size) if size < 12 else self.tight[control >> 4 & 3].decompress(self.get(length()))
        if len(data) != size:
            raise RfbError('tight: data of a wrong size')
        if kind == 1 and len(colours) == 2:
            row = (w + 7) // 8
            out = b''.join(colours[data[j * row + (i >> 3)] >> (7 - (i & 7)) & 1] for j in range(h) for i in range(w))
        elif kind == 1:
            out = b''.join(colours[b] for b in data)
        else:
            if kind == 2:
                data = self._gradient(data, w, h)
            out = bytearray(w * h * 4)
            out[0::4], out[1::4], out[2::4] = data[2::3], data[1::3], data[0::3]
        self._put(x, y, w, h, out)

    @staticmethod
    def _gradient(data, w, h):
        out = bytearray(data)
        for j in range(h):
            for i in range(w * 3):
                o = j * w * 3 + i
                left = out[o - 3] if i >= 3 else 0
                up = out[o - w * 3] if j else 0
                corner = out[o - w * 3 - 3] if j and i >= 3 else 0
                out[o] = (data[o] + max(0, min(255, left + up - corner))) & 255
        return out

    # ---- messages ----

    def message(self):
        """Handles one server message; true when it was a framebuffer update."""
        kind = self.get(1)[0]
        if kind == 0:
            for _ in range(struct.unpack('>xH', self.get(3))[0]):
                x, y, w, h, encoding = struct.unpack('>HHHHi', self.get(12))
                if encoding == DESKTOP_SIZE:
                    self._resize(w, h)
                elif encoding == EXT_DESKTOP_SIZE:
                    self.get(16 * self.get(4)[0])
                    self.ext_desktop = True
                    if (w, h) != (self.w, self.h):
                        self._resize(w, h)
                elif encoding == EXT_KEY:
                    self.ext_key = True
                else:
                    if x + w > self.w or y + h > self.h:
                        raise RfbError('a rectangle outside the screen')
                    self.rects += 1
                    self.pixels += w * h
                    self._rect(x, y, w, h, encoding)
            return True
        if kind == 1:
            self.get(struct.unpack('>xHH', self.get(5))[1] * 6)
        elif kind == 3:
            self.get(3)
            self.get(struct.unpack('>I', self.get(4))[0])
        elif kind != 2:
            raise RfbError('message type %d' % kind)
        return False

    def full(self):
        """Asks for a whole frame and reads until all of it has come."""
        while True:
            resizes, start = self.resizes, self.pixels
            self.ask(False)
            while self.pixels - start < self.w * self.h and self.resizes == resizes:
                self.message()
            if self.resizes == resizes:
                return

    def ready(self, seconds):
        return bool(select.select([self.s], [], [], max(seconds, 0))[0])

    # ---- input ----

    def key_event(self, keysym, down):
        self.s.sendall(struct.pack('>BBxxI', 4, down, keysym))

    def scan_event(self, keysym, code, down):
        self.s.sendall(struct.pack('>BBHII', 255, 0, down, keysym, code))

    def key(self, name, pause=0.03):
        """Presses one key: a character, or a name of KEYS."""
        sym = KEYS.get(name) or (0xff0d if name == '\n' else ord(name))
        base = SHIFTED.get(name, name.lower())
        shift = len(name) == 1 and base != name
        if self.ext_key and base in SCAN:
            def send(down):
                self.scan_event(sym, SCAN[base], down)

            def send_shift(down):
                self.scan_event(KEYS['shift'], SCAN_SHIFT, down)
        else:
            def send(down):
                self.key_event(sym, down)

            def send_shift(down):
                self.key_event(KEYS['shift'], down)
        if shift:
            send_shift(1)
        send(1)
        time.sleep(pause)
        send(0)
        if shift:
            send_shift(0)
        time.sleep(pause)

    def type(self, text, pause=0.03):
        for c in text:
            self.key(c, pause)

    def pointer(self, x, y, buttons=0):
        self.s.sendall(struct.pack('>BBHH', 5, buttons, x, y))

    def png(self, name):
        w, h = self.w, self.h
        raw = bytearray()
        for y in range(h):
            row = self.fb[y * w * 4:(y + 1) * w * 4]
            out = bytearray(w * 3)
            out[0::3], out[1::3], out[2::3] = row[2::4], row[1::4], row[0::4]
            raw += b'\0' + out

        def chunk(kind, body):
            return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
        with open(name, 'wb') as f:
            f.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, 8, 2, 0, 0, 0)) +
                    chunk(b'IDAT', zlib.compress(bytes(raw), 1)) + chunk(b'IEND', b''))


def watch(rfb, seconds):
    """Asks for updates as fast as they come; returns their number and the time."""
    n, rfb.rects, rfb.pixels, rfb.bytes = 0, 0, 0, 0
    begun = time.monotonic()
    rfb.ask()
    while True:
        left = begun + seconds - time.monotonic()
        if left <= 0 or not rfb.ready(left):
            break
        if rfb.message():
            n += 1
            rfb.ask()
    return n, time.monotonic() - begun


def main():
    a = argparse.ArgumentParser()
    a.add_argument('address')
    a.add_argument('--password')
    a.add_argument('--encoding', default='raw', choices=NAMES)
    a.add_argument('--png')
    a.add_argument('--text')
    a.add_argument('--keys')
    a.add_argument('--size')
    a.add_argument('--wait', type=float, default=0)
    a.add_argument('--watch', type=float)
    a.add_argument('--hold', type=float)
    a = a.parse_args()
    host, port = a.address.rsplit(':', 1)
    r = Rfb(host, int(port), a.password, (NAMES[a.encoding],))
    print('vnc_connect %.6f s' % r.connected, flush=True)
    r.full()
    print('vnc_first_frame %.6f s' % (time.monotonic() - r.begun), flush=True)
    end = time.monotonic() + a.wait
    while a.size and '%dx%d' % (r.w, r.h) != a.size and time.monotonic() < end:
        time.sleep(0.2)
        r.full()
    print('vnc_size %dx%d px' % (r.w, r.h), flush=True)
    if a.keys:
        r.type(a.keys)
        time.sleep(0.5)
        r.full()
    if a.png and not a.watch:
        r.png(a.png)
    if a.text:
        import screen
        print('\n'.join(screen.Reader(screen.font_of_rom(a.text)).lines(r)))
    if a.watch:
        n, t = watch(r, a.watch)
        print('vnc_updates %.3f /s' % (n / t))
        print('vnc_rects %.3f /s' % (r.rects / t))
        print('vnc_mbytes %.3f MB/s' % (r.bytes / t / 1e6))
        print('vnc_frames %.3f /s' % (r.pixels / (r.w * r.h) / t), flush=True)
        if a.png:
            r.png(a.png)
    if a.hold:
        watch(r, a.hold)


if __name__ == '__main__':
    try:
        main()
    except (RfbError, OSError) as e:
        sys.exit('rfb: %s' % e)

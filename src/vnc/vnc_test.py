#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the console and hvmd-vnc together, from a viewer's side.

vnc_test.py FIXTURE FOLDER-OF-RFB.PY [unittest arguments]
"""
import os
import queue
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

FIXTURE = sys.argv[1]
sys.path.insert(0, sys.argv[2])
import rfb  # noqa: E402

WAIT = 20
PIXELS_BYTES = 2560 * 4 * 1601  # of the shared memory, as proto.h has it
QEMU_LEDS = -261


class Fixture:
    """The console under test; commands go in, events come out as lines."""

    def __init__(self, listen='127.0.0.1:40,to=90', *args, program=FIXTURE):
        self.p = subprocess.Popen([program, listen] + list(args), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.seen = []
        self.err = []
        self.threads = []
        for f, put in ((self.p.stdout, self.lines.put), (self.p.stderr, self.err.append)):
            self.threads.append(threading.Thread(target=self._read, args=(f, put), daemon=True))
            self.threads[-1].start()
        self.host, self.service, self.auth = self.expect('listen').split()[1:]
        self.port = int(self.service) if self.service != '-' else None

    @staticmethod
    def _read(f, put):
        for line in f:
            put(line.rstrip('\n'))

    def do(self, line):
        self.p.stdin.write(line + '\n')
        self.p.stdin.flush()

    def done(self, line):
        """The same, and it has been done on return."""
        self.do(line)
        self.ask('clients')

    def expect(self, start, wait=WAIT):
        end = time.monotonic() + wait
        while True:
            try:
                line = self.lines.get(timeout=max(end - time.monotonic(), 0.001))
            except queue.Empty:
                raise AssertionError('no "%s" came, but %s %s' % (start, self.seen[-9:], self.err)) from None
            self.seen.append(line)
            if line.startswith(start):
                return line

    def ask(self, line):
        """The answer to a command that has one."""
        self.do(line)
        return self.expect(line.split()[0]).split(' ', 1)[1]

    def events(self, start, n):
        return [self.expect(start) for _ in range(n)]

    def until_clients(self, n):
        for _ in range(WAIT * 20):
            if int(self.ask('clients')) == n:
                return
            time.sleep(0.05)
        raise AssertionError('clients are not %d' % n)

    def children(self):
        with open('/proc/%d/task/%d/children' % (self.p.pid, self.p.pid)) as f:
            return [int(x) for x in f.read().split()]

    def until_no_child(self):
        for _ in range(WAIT * 20):
            if not self.children():
                return
            time.sleep(0.05)
        raise AssertionError('hvmd-vnc goes on')

    def connect(self, **kw):
        return rfb.Rfb(self.host, self.port, timeout=WAIT, **kw)

    def socket(self):
        if self.port is None:
            s = socket.socket(socket.AF_UNIX)
            s.connect(self.host)
        else:
            s = socket.create_connection((self.host, self.port))
        s.settimeout(WAIT)
        return s

    def logged_in(self, shared=b'\1'):
        """A raw connection behind the handshake."""
        s = self.socket()
        s.sendall(b'RFB 003.008\n\1' + shared)
        take(s, 12 + 2 + 4)
        head = take(s, 24)
        take(s, struct.unpack('>I', head[20:])[0])
        return s

    def close(self):
        if self.p.poll() is None:
            self.do('quit')
        status = self.p.wait(WAIT)
        for t in self.threads:
            t.join(WAIT)
        for f in (self.p.stdin, self.p.stdout, self.p.stderr):
            f.close()
        return status


def take(s, n):
    b = b''
    while len(b) < n:
        d = s.recv(n - len(b))
        if not d:
            raise EOFError
        b += d
    return b


def gone(s):
    """True when the server closes the connection."""
    try:
        while s.recv(65536):
            pass
    except ConnectionError:
        pass
    except socket.timeout:
        return False
    return True


def pattern(x, y, seed):
    return ((x * 7919 ^ y * 104729) + seed) & 0xffffff


def picture(w, h, patches=()):
    """The screen as the fixture draws it: pattern 0, then (x, y, w, h, seed)."""
    px = [pattern(x, y, 0) for y in range(h) for x in range(w)]
    for x0, y0, pw, ph, seed in patches:
        for y in range(y0, y0 + ph):
            for x in range(x0, x0 + pw):
                px[y * w + x] = pattern(x, y, seed)
    return struct.pack('<%dI' % len(px), *px)


def request(w, h, incremental=0):
    return struct.pack('>BBHHHH', 3, incremental, 0, 0, w, h)


def encodings(*e):
    return struct.pack('>BxH', 2, len(e)) + b''.join(struct.pack('>i', x) for x in e)


def pixel_format(bpp=32, depth=24, big=0, true=1, maxima=(255, 255, 255), shifts=(16, 8, 0)):
    return struct.pack('>BxxxBBBBHHHBBBxxx', 0, bpp, depth, big, true, *maxima, *shifts)


class Case(unittest.TestCase):
    def fixture(self, *a, **kw):
        f = Fixture(*a, **kw)
        self.addCleanup(self.finish, f)
        return f

    def finish(self, f):
        f.close()
        self.assertFalse([line for line in f.err if 'Sanitizer' in line or 'runtime error' in line])

    def usable(self, f):
        """A well-behaved viewer is served."""
        r = f.connect()
        r.full()
        self.assertEqual(bytes(r.fb), picture(r.w, r.h))
        r.close()


class Sockets(Case):
    def test_viewers_are_told_of(self):
        """Who connects, who logs in, who goes, and from where."""
        f = self.fixture()
        self.assertEqual(f.ask('viewers'), '0 0 0 - -')
        r = f.connect()
        r.full()
        self.assertEqual(f.ask('viewers'), '1 1 0 127.0.0.1 127.0.0.1')
        stranger = f.socket()
        take(stranger, 12)
        self.assertEqual(f.ask('viewers'), '2 1 0 127.0.0.1 127.0.0.1')
        stranger.close()
        f.until_clients(1)
        self.assertEqual(f.ask('viewers'), '2 1 1 127.0.0.1 127.0.0.1')
        r.close()
        f.until_clients(0)
        self.assertEqual(f.ask('viewers'), '2 1 2 127.0.0.1 -')

    def test_nothing_runs_without_viewers(self):
        f = self.fixture()
        self.assertEqual(f.children(), [])
        self.assertEqual(f.ask('looks'), '0')
        r = f.connect()
        r.full()
        self.assertEqual(len(f.children()), 1)
        self.assertEqual(f.ask('clients'), '1')
        f.expect('watch 1') if 'watch 1' not in f.seen else None
        r.close()
        f.expect('watch 0')
        f.until_no_child()
        looks = f.ask('looks')
        time.sleep(0.5)
        self.assertEqual(f.ask('looks'), looks)

    def test_port_search(self):
        a = self.fixture('127.0.0.1:40,to=90')
        b = self.fixture('127.0.0.1:40,to=90')
        self.assertLess(int(a.service), int(b.service))
        self.assertLessEqual(int(b.service), 5990)

    def test_errors_are_one_sentence(self):
        f = self.fixture()
        display = int(f.service) - 5900
        for listen, words in (('127.0.0.1:%d' % display, 'is in use; choose'),
                              ('127.0.0.1:%d,to=%d' % (display, display), 'is in use; choose'),
                              ('127.0.0.1:1,websocket=on', '"websocket=on" is not supported'),
                              ('127.0.0.1', 'is neither'), ('127.0.0.1:x', 'is neither'),
                              ('127.0.0.1:99999', 'is neither'), ('127.0.0.1:1,to=x', 'is no display number'),
                              ('no such host:1', 'cannot be resolved'), ('unix:', 'is empty or longer'),
                              ('unix:/' + 'x' * 200, 'is empty or longer'),
                              ('unix:/nonexistent/s', 'cannot listen'), ('x' * 300, 'too long')):
            p = subprocess.run([FIXTURE, listen], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                               timeout=WAIT, check=False)
            self.assertEqual((p.returncode, p.stdout.count('\n')), (1, 1), listen)
            self.assertIn(words, p.stdout)
        p = subprocess.run([FIXTURE, 'none', 'klingon'], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(p.returncode, 1)
        self.assertIn('keymap "klingon" is unknown', p.stdout)
        self.assertIn('de-ch', p.stdout)

    def test_ipv6_and_any(self):
        for listen in ('[::1]:40,to=90', ':40,to=90', '0.0.0.0:40,to=90'):
            with self.subTest(listen):
                f = self.fixture(listen)
                for host in ('::1',) if '[' in listen else ('127.0.0.1',):
                    r = rfb.Rfb(host, f.port, timeout=WAIT)
                    r.full()
                    r.close()

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as d:
            path = d + '/vnc'
            f = self.fixture('unix:' + path + ',to=99')
            self.assertEqual((f.host, f.service), (path, '-'))
            self.usable(f)
            p = subprocess.run([FIXTURE, 'unix:' + path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                               check=False)
            self.assertIn('in use by another process', p.stdout)
            f.close()
            self.assertFalse(os.path.exists(path))
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(path)
            self.usable(self.fixture('unix:' + path))

    def test_none(self):
        with tempfile.TemporaryDirectory() as d:
            p = subprocess.run([FIXTURE, 'none'], input='dump %s/x\nquit\n' % d, stdout=subprocess.PIPE, text=True,
                               check=False)
            self.assertIn('dump 0', p.stdout)
            self.assertEqual(os.path.getsize(d + '/x'), len('P6\n64 48\n255\n') + 64 * 48 * 3)

    def test_dump_into_no_plain_file(self):
        """What could make hvmd wait for a reader is refused, and what was in a file is gone."""
        f = self.fixture()
        with tempfile.TemporaryDirectory() as d:
            os.mkfifo(d + '/fifo')
            self.assertEqual(f.ask('dump %s/fifo' % d), '-22')
            reader = os.open(d + '/fifo', os.O_RDONLY | os.O_NONBLOCK)
            self.assertEqual(f.ask('dump %s/fifo' % d), '-22')
            self.assertEqual(os.read(reader, 1), b'')
            os.close(reader)
            self.assertEqual(f.ask('dump /dev/null'), '-22')
            self.assertEqual(f.ask('dump %s' % d), '-21')
            with open(d + '/a', 'wb') as old:
                old.write(bytes(100000))
            self.assertEqual(f.ask('dump %s/a' % d), '0')
            self.assertEqual(os.path.getsize(d + '/a'), len('P6\n64 48\n255\n') + 64 * 48 * 3)

    def test_no_display(self):
        f = self.fixture('127.0.0.1:40,to=90', 'en-us', 'blank')
        r = f.connect()
        r.full()
        self.assertEqual((r.w, r.h, bytes(r.fb)), (720, 400, bytes(720 * 400 * 4)))
        self.assertEqual(f.ask('dump /tmp/x/y/z'), '-2')
        self.assertEqual(f.ask('dump /dev/null'), '-19')

    def test_cpu_of_viewers(self):
        """Told while hvmd-vnc runs, and not forgotten when it has ended."""
        f = self.fixture()
        self.assertEqual(f.ask('cpu'), '0')
        r = f.connect()
        r.full()
        running = int(f.ask('cpu'))
        self.assertGreater(running, 0)
        r.close()
        f.until_no_child()
        ended = int(f.ask('cpu'))
        self.assertGreaterEqual(ended, running)
        self.assertEqual(int(f.ask('cpu')), ended)
        r = f.connect()
        r.full()
        self.assertGreater(int(f.ask('cpu')), ended)

    def test_ends_with_hvmd(self):
        f = self.fixture()
        r = f.connect()
        r.full()
        child = f.children()[0]
        f.p.kill()
        f.p.wait()
        for _ in range(100):
            if not os.path.exists('/proc/%d' % child):
                break
            time.sleep(0.05)
        else:
            self.fail('hvmd-vnc outlives hvmd')

    def test_child_holds_nothing_of_hvmd(self):
        f = self.fixture()
        r = f.connect()
        r.full()
        pid = f.children()[0]
        fds = {n: os.readlink('/proc/%d/fd/%s' % (pid, n)) for n in os.listdir('/proc/%d/fd' % pid)}
        self.assertEqual(fds['0'], '/dev/null')
        self.assertEqual(fds['1'], '/dev/null')
        self.assertTrue(fds['3'].startswith('socket:'))
        # beyond those: standard error, epoll and the viewer
        self.assertEqual(len(fds), 6, fds)
        with open('/proc/%d/status' % pid) as s:
            self.assertIn('NoNewPrivs:\t1', s.read())


class Login(Case):
    def test_password(self):
        f = self.fixture('127.0.0.1:40,password=on,to=90')
        self.assertEqual(f.auth, 'vnc')
        for given in ('', 'x'):
            with self.assertRaises(rfb.RfbError, msg='none is set'):
                f.connect(password=given)
        self.assertEqual(f.ask('password geheim'), '0')
        r = f.connect(password='geheim')
        r.full()
        self.assertEqual(r.auth, b'\2')
        with self.assertRaises(rfb.RfbError):
            f.connect(password='gehein')
        self.assertEqual(f.ask('password longer-than-8'), '0')
        f.connect(password='longer-t').close()
        self.assertEqual(f.ask('password'), '0')
        for given in ('', 'geheim', 'longer-t'):
            with self.assertRaises(rfb.RfbError, msg='it was taken away'):
                f.connect(password=given)
        r.full()

    def test_password_without_the_option(self):
        f = self.fixture()
        self.assertEqual(f.auth, 'none')
        self.assertEqual(f.ask('password x'), '-22')
        self.usable(f)

    def test_none_is_not_a_way_round(self):
        f = self.fixture('127.0.0.1:40,password=on,to=90')
        f.ask('password geheim')
        s = f.socket()
        s.sendall(b'RFB 003.008\n\1\1')
        self.assertTrue(gone(s))

    def test_wrong_password_says_why(self):
        f = self.fixture('127.0.0.1:40,password=on,to=90')
        f.ask('password geheim')
        for version, tail in ((b'008', b'\0\0\0\1\0\0\0\x0ewrong password'), (b'007', b'\0\0\0\1'),
                              (b'003', b'\0\0\0\1')):
            s = f.socket()
            s.sendall(b'RFB 003.' + version + b'\n' + (b'' if version == b'003' else b'\2') + bytes(16))
            data = b''
            while True:
                d = s.recv(4096)
                if not d:
                    break
                data += d
            offered = b'\0\0\0\2' if version == b'003' else b'\1\2'
            self.assertEqual(data[:12 + len(offered)], b'RFB 003.008\n' + offered)
            self.assertEqual(data[12 + len(offered) + 16:], tail)

    def test_who_hangs_up_does_not_guess_faster(self):
        """No answer at once said "wrong": the next guess did not have to wait for it."""
        f = self.fixture('127.0.0.1:40,password=on,to=90')
        f.ask('password geheim')
        stays = f.socket()  # hvmd-vnc does not end meanwhile
        take(stays, 12)
        s = f.socket()
        s.sendall(b'RFB 003.008\n\2' + bytes(16))
        take(s, 12 + 2 + 16)
        s.close()
        f.until_clients(1)
        for wait in (0.4, 0):  # the right one waits too, and ends it
            begun = time.monotonic()
            f.connect(password='geheim').close()
            self.assertGreaterEqual(time.monotonic() - begun, wait)
        self.assertLess(time.monotonic() - begun, 0.4)
        stays.close()

    def test_password_before_the_answer(self):
        """What is sent while the answer is held back is not lost, and both answers come."""
        f = self.fixture('127.0.0.1:40,password=on,to=90')
        f.ask('password geheim')
        bad = f.socket()
        bad.sendall(b'RFB 003.008\n\2' + bytes(16) + b'\1')
        take(bad, 12 + 2 + 16)
        good = f.socket()
        good.sendall(b'RFB 003.008\n\2')
        challenge = take(good, 12 + 2 + 16)[14:]
        good.sendall(rfb.des_response('geheim', challenge) + b'\1' + request(64, 48))
        self.assertEqual(take(good, 4), bytes(4))
        take(good, 24 + 12 + 4)
        self.assertEqual(take(bad, 8), b'\0\0\0\1\0\0\0\x0e')

    def test_versions(self):
        f = self.fixture()
        for version, offered in ((b'003', b'\0\0\0\1'), (b'005', b'\0\0\0\1'), (b'007', b'\1\1'),
                                 (b'008', b'\1\1'), (b'889', b'\0\0\0\1')):
            s = f.socket()
            s.sendall(b'RFB 003.' + version + b'\n')
            self.assertEqual(take(s, 12 + len(offered))[12:], offered)
            s.sendall((b'\1' if len(offered) == 2 else b'') + b'\1')
            if version == b'008':
                self.assertEqual(take(s, 4), bytes(4))
            self.assertEqual(struct.unpack('>HH', take(s, 4)), (64, 48))
            s.close()

    def test_not_rfb(self):
        f = self.fixture()
        for junk in (b'GET / HTTP/1.1\r\n\r\n', b'\x16\3\1' + bytes(20), b'RFB 004.000\n', b'RFB 003.008 ',
                     os.urandom(64)):
            s = f.socket()
            s.sendall(junk)
            self.assertTrue(gone(s))
        self.usable(f)

    def test_exclusive(self):
        f = self.fixture()
        a, b = f.logged_in(), f.logged_in()
        c = f.logged_in(shared=b'\0')
        self.assertTrue(gone(a) and gone(b))
        c.sendall(request(64, 48))
        take(c, 4)

    def test_many_strangers_keep_nobody_out(self):
        f = self.fixture()
        strangers = [f.socket() for _ in range(40)]
        self.usable(f)
        for s in strangers:
            s.close()
        f.until_clients(0)


class Screen(Case):
    def test_encodings(self):
        f = self.fixture()
        f.done('size 203 101')
        for name in ('raw', 'hextile', 'zlib', 'tight', 'zrle'):
            with self.subTest(name):
                r = f.connect(encodings=(rfb.NAMES[name],))
                r.full()
                self.assertEqual(bytes(r.fb), picture(203, 101))
                # a second time: the compressors go on with their history
                r.full()
                self.assertEqual(bytes(r.fb), picture(203, 101))
                r.close()

    def test_large_in_bands(self):
        f = self.fixture()
        f.done('size 2560 1600')
        whole = None
        for name in ('raw', 'zlib', 'zrle', 'tight', 'hextile'):
            with self.subTest(name):
                r = f.connect(encodings=(rfb.NAMES[name],))
                r.full()
                if whole is None:
                    whole = bytes(r.fb)
                    for x, y in ((0, 0), (2559, 0), (0, 1599), (2559, 1599), (1234, 777)):
                        self.assertEqual(struct.unpack_from('<I', whole, (y * 2560 + x) * 4)[0], pattern(x, y, 0))
                self.assertEqual(bytes(r.fb), whole)
                r.close()

    def test_damage(self):
        f = self.fixture()
        f.done('size 120 80')
        r, raw = f.connect(encodings=(rfb.NAMES['zrle'],)), f.connect()
        r.full()
        raw.full()
        patches = []
        for i in range(12):
            patches.append((i * 7, i * 3, 20, 15, 1000 * i + 1))
            f.do('pattern %d %d %d %d %d' % patches[-1])
            for v in (r, raw):
                v.ask()
                before = v.pixels
                while not v.message():
                    pass
                self.assertEqual(v.pixels - before, 300)
                self.assertEqual(bytes(v.fb), picture(120, 80, patches))

    def test_partly_asked_for(self):
        f = self.fixture()
        s = f.logged_in()
        s.sendall(struct.pack('>BBHHHH', 3, 0, 10, 5, 7, 3))
        self.assertEqual(take(s, 16), struct.pack('>BxHHHHHi', 0, 1, 10, 5, 7, 3, 0))
        rows = take(s, 7 * 3 * 4)
        self.assertEqual(struct.unpack('<21I', rows), tuple(pattern(x, y, 0) for y in range(5, 8)
                                                            for x in range(10, 17)))

    def test_pixel_formats(self):
        f = self.fixture()
        for name in ('raw', 'hextile', 'zlib', 'zrle'):
            for bpp, depth, big, maxima, shifts in ((16, 16, 0, (31, 63, 31), (11, 5, 0)),
                                                    (16, 15, 1, (31, 31, 31), (10, 5, 0)),
                                                    (32, 24, 1, (255, 255, 255), (0, 8, 16)),
                                                    (8, 8, 0, (7, 7, 3), (0, 3, 6))):
                s = f.logged_in()
                s.sendall(pixel_format(bpp, depth, big, 1, maxima, shifts) + encodings(rfb.NAMES[name]) +
                          request(64, 48))
                head = take(s, 16)
                self.assertEqual(head[12:], struct.pack('>i', rfb.NAMES[name]))
                if name == 'raw':
                    order = '>' if big else '<'
                    size = bpp // 8
                    data = take(s, 64 * 48 * size)
                    px = struct.unpack(order + '%d%s' % (64 * 48, {1: 'B', 2: 'H', 4: 'I'}[size]), data)
                    for i in (0, 100, 3071):
                        p = pattern(i % 64, i // 64, 0)
                        want = sum(((p >> s8 & 255) * m + 127) // 255 << sh
                                   for s8, m, sh in zip((16, 8, 0), maxima, shifts))
                        self.assertEqual(px[i], want)
                s.close()

    def test_palette_is_8_bits_only(self):
        f = self.fixture()
        s = f.logged_in()
        s.sendall(pixel_format(8, 8, 0, 0) + request(64, 48))
        head = take(s, 6)
        self.assertEqual(head[0], 1)
        take(s, 6 * struct.unpack('>H', head[4:])[0])
        self.assertEqual(take(s, 16), struct.pack('>BxHHHHHi', 0, 1, 0, 0, 64, 48, 0))
        take(s, 64 * 48)
        s.sendall(pixel_format(32, 24, 0, 0))
        self.assertTrue(gone(s))

    def test_desktop_size(self):
        f = self.fixture()
        s = f.logged_in()
        s.sendall(encodings(0, -223) + request(64, 48))
        take(s, 16 + 64 * 48 * 4)
        s.sendall(request(64, 48, 1))
        f.do('size 100 30')
        self.assertEqual(take(s, 16), struct.pack('>BxHHHHHi', 0, 1, 0, 0, 100, 30, -223))
        s.sendall(request(100, 30))
        # the request of the old size is answered first, clipped
        head = struct.unpack('>BxHHHHHi', take(s, 16))
        self.assertEqual(head[:2], (0, 1))
        take(s, head[4] * head[5] * 4)

    def test_extended_desktop_size(self):
        f = self.fixture()
        s = f.logged_in()

        def size(reason, status, w, h):
            return (struct.pack('>BxHHHHHi', 0, 1, reason, status, w, h, -308) + b'\1\0\0\0' +
                    struct.pack('>IHHHHI', 1, 0, 0, w, h, 0))
        s.sendall(encodings(0, -308, -223) + request(64, 48))
        self.assertEqual(take(s, 36), size(0, 0, 64, 48))
        take(s, 16 + 64 * 48 * 4)
        f.do('size 33 31')
        s.sendall(request(64, 48, 1))
        self.assertEqual(take(s, 36), size(0, 0, 33, 31))
        head = struct.unpack('>BxHHHHHi', take(s, 16))
        self.assertEqual(head[2:6], (0, 0, 33, 31))
        take(s, 33 * 31 * 4)
        s.sendall(struct.pack('>BxHHBx', 251, 640, 480, 1) + struct.pack('>IHHHHI', 1, 0, 0, 640, 480, 0))
        self.assertEqual(take(s, 36), size(1, 1, 33, 31))

    def test_viewer_of_one_size(self):
        """A viewer without DesktopSize never gets pixels outside of its screen."""
        f = self.fixture()
        s = f.logged_in()
        s.sendall(request(64, 48))
        take(s, 16 + 64 * 48 * 4)
        f.do('size 640 480')
        s.sendall(request(64, 48, 1))
        head = struct.unpack('>BxHHHHHi', take(s, 16))
        self.assertEqual(head[2:6], (0, 0, 64, 48))
        take(s, 64 * 48 * 4)
        f.do('size 32 20')
        s.sendall(request(64, 48, 1))
        head = struct.unpack('>BxHHHHHi', take(s, 16))
        self.assertEqual(head[2:6], (0, 0, 32, 20))

    def test_many_modes(self):
        f = self.fixture()
        r = f.connect(encodings=(rfb.NAMES['tight'],))
        for w, h in ((640, 480), (1, 1), (2560, 1600), (720, 400), (17, 1600), (2560, 3), (320, 200)):
            f.do('size %d %d' % (w, h))
            end = time.monotonic() + WAIT
            while (r.w, r.h) != (w, h) and time.monotonic() < end:
                r.full()
            r.full()
            self.assertEqual((r.w, r.h), (w, h))
            self.assertEqual(bytes(r.fb[:4 * min(w, 300)]), picture(min(w, 300), 1))

    def test_leds(self):
        f = self.fixture()
        s = f.logged_in()
        s.sendall(encodings(0, QEMU_LEDS))
        self.assertEqual(take(s, 17), struct.pack('>BxHHHHHiB', 0, 1, 0, 0, 0, 0, QEMU_LEDS, 0))
        f.do('leds 5')
        self.assertEqual(take(s, 17)[16], 5)

    def test_dump_while_watched(self):
        f = self.fixture()
        r = f.connect()
        r.full()
        f.done('pattern 3 3 5 5 77')
        with tempfile.TemporaryDirectory() as d:
            self.assertEqual(f.ask('dump %s/a.ppm' % d), '0')
            with open(d + '/a.ppm', 'rb') as p:
                data = p.read()
            self.assertEqual(f.ask('dump %s/no/a.ppm' % d), '-2')
        self.assertTrue(data.startswith(b'P6\n64 48\n255\n'))
        want = picture(64, 48, [(3, 3, 5, 5, 77)])
        rgb = bytearray(64 * 48 * 3)
        rgb[0::3], rgb[1::3], rgb[2::3] = want[2::4], want[1::4], want[0::4]
        self.assertEqual(data[13:], bytes(rgb))
        r.ask()  # the viewer does not miss what the dump has seen
        while not r.message():
            pass
        self.assertEqual(bytes(r.fb), want)


class Input(Case):
    def test_key_codes(self):
        f = self.fixture()
        r = f.connect()
        while not r.ext_key:
            r.message()
        r.s.sendall(struct.pack('>BBHII', 255, 0, 1, 0x61, 0x1e) + struct.pack('>BBHII', 255, 0, 0, 0x61, 0x1e))
        r.s.sendall(struct.pack('>BBHII', 255, 0, 1, 0xff8d, 0x9c) + struct.pack('>BBHII', 255, 0, 0, 0xff8d, 0x9c))
        r.s.sendall(struct.pack('>BBHII', 255, 0, 1, 0x62, 0))  # no code: by keysym
        self.assertEqual(f.events('key', 5), ['key 0x1e 1', 'key 0x1e 0', 'key 0x9c 1', 'key 0x9c 0', 'key 0x30 1'])

    def keys(self, f, s, *syms):
        for sym in syms:
            s.sendall(struct.pack('>BBxxI', 4, 1, sym) + struct.pack('>BBxxI', 4, 0, sym))

    def test_keysyms(self):
        f = self.fixture()
        s = f.logged_in()
        self.keys(f, s, ord('a'), 0xff0d, 0xff52, 0xffff, 0xff8d, 0xffb7)
        got = f.events('key', 12)
        self.assertEqual(got[0::2], ['key 0x%02x 1' % c for c in (0x1e, 0x1c, 0xc8, 0xd3, 0x9c, 0x47)])
        self.keys(f, s, ord('A'))  # no Shift held: it is pressed around it
        self.assertEqual(f.events('key', 4), ['key 0x2a 1', 'key 0x1e 1', 'key 0x2a 0', 'key 0x1e 0'])
        s.sendall(struct.pack('>BBxxI', 4, 1, 0xffe1))
        self.assertEqual(f.expect('key'), 'key 0x2a 1')
        self.keys(f, s, ord('A'))
        self.assertEqual(f.events('key', 2), ['key 0x1e 1', 'key 0x1e 0'])
        self.keys(f, s, ord('a'))  # Shift is lifted around it
        self.assertEqual(f.events('key', 4), ['key 0x2a 0', 'key 0x1e 1', 'key 0x2a 1', 'key 0x1e 0'])

    def test_caps_lock(self):
        f = self.fixture()
        s = f.logged_in()
        s.sendall(encodings(0, QEMU_LEDS))
        take(s, 17)
        f.do('leds 4')
        take(s, 17)
        self.keys(f, s, ord('A'), ord('!'))
        self.assertEqual(f.events('key', 6), ['key 0x1e 1', 'key 0x1e 0', 'key 0x2a 1', 'key 0x02 1', 'key 0x2a 0',
                                              'key 0x02 0'])

    def test_german(self):
        f = self.fixture('127.0.0.1:40,to=90', 'de')
        s = f.logged_in()
        self.keys(f, s, ord('z'), 0xf6, ord('@'), ord('/'))
        self.assertEqual(f.events('key', 10),
                         ['key 0x15 1', 'key 0x15 0', 'key 0x27 1', 'key 0x27 0',
                          'key 0xb8 1', 'key 0x10 1', 'key 0xb8 0', 'key 0x10 0', 'key 0x2a 1', 'key 0x08 1'])

    def test_russian_has_latin_too(self):
        f = self.fixture('127.0.0.1:40,to=90', 'ru')
        s = f.logged_in()
        self.keys(f, s, 0x6c6, 0x1000444, ord('a'))
        self.assertEqual(f.events('key', 6)[0::2], ['key 0x1e 1', 'key 0x1e 1', 'key 0x1e 1'])

    def test_pointer(self):
        f = self.fixture()
        s = f.logged_in()

        def pointer(mask, x, y):
            s.sendall(struct.pack('>BBHH', 5, mask, x, y))
        pointer(0, 10, 20)
        self.assertEqual(f.events('rel', 2), ['rel -2560 -1600 0 0', 'rel 10 20 0 0'])
        pointer(1, 10, 20)
        pointer(0, 13, 15)
        pointer(4, 13, 15)
        pointer(2, 60000, 60000)
        self.assertEqual(f.events('rel', 4), ['rel 0 0 0 1', 'rel 3 -5 0 0', 'rel 0 0 0 4', 'rel 50 32 0 2'])
        pointer(8, 63, 47)
        pointer(8, 63, 47)
        pointer(0, 63, 47)
        pointer(16, 63, 47)
        self.assertEqual(f.events('rel', 4), ['rel 0 0 1 0', 'rel 0 0 0 0', 'rel 0 0 0 0', 'rel 0 0 -1 0'])

    def test_disconnect_releases(self):
        f = self.fixture()
        stays = f.logged_in()
        s = f.logged_in()
        s.sendall(struct.pack('>BBxxI', 4, 1, 0xffe3) + struct.pack('>BBxxI', 4, 1, ord('c')) +
                  struct.pack('>BBHH', 5, 1, 5, 5))
        f.events('key', 2)
        f.expect('rel')
        s.close()
        self.assertEqual(sorted(f.events('key', 2)), ['key 0x1d 0', 'key 0x2e 0'])
        f.expect('rel')
        stays.sendall(struct.pack('>BBxxI', 4, 1, 0xffe3))
        self.assertEqual(f.expect('key'), 'key 0x1d 1')
        os.kill(f.children()[0], signal.SIGKILL)
        self.assertEqual(f.expect('key'), 'key 0x1d 0')

    def test_cve_2017_8379_flood_of_keys(self):
        """CVE-2017-8379: a flood of keys waits at its sender, the others go on."""
        f = self.fixture()
        s = f.logged_in()
        s.setblocking(False)
        sent = 0
        end = time.monotonic() + 2
        one = struct.pack('>BBxxI', 4, 1, ord('a')) + struct.pack('>BBxxI', 4, 0, ord('a'))
        while time.monotonic() < end:
            try:
                sent += s.send(one * 512)
            except BlockingIOError:
                time.sleep(0.01)
        start = time.monotonic()
        self.usable(f)
        self.assertLess(time.monotonic() - start, 5)
        f.do('clients')
        f.expect('clients')
        keys = sum(line.startswith('key') for line in f.seen)
        self.assertLess(keys, 20000)
        self.assertGreater(keys, 200)


    def test_flood_of_keysyms(self):
        """Keys that need modifiers make many messages each: no other viewer waits for them."""
        f = self.fixture('127.0.0.1:40,to=90', 'de')
        s = f.logged_in()
        s.sendall(b''.join(struct.pack('>BBxxI', 4, 1, sym) for sym in (0xffe1, 0xffe2)))
        s.setblocking(False)
        one = struct.pack('>BBxxI', 4, 1, ord('@')) + struct.pack('>BBxxI', 4, 0, ord('@'))
        slowest, end = 0, time.monotonic() + 2
        other = rfb.Rfb('127.0.0.1', f.port)
        frames = 0
        while time.monotonic() < end:
            try:
                s.send(one * 512)
            except BlockingIOError:
                pass
            start = time.monotonic()
            other.full()
            slowest = max(slowest, time.monotonic() - start)
            frames += 1
        other.close()
        f.do('clients')
        f.expect('clients')
        self.assertLess(sum(line.startswith('key') for line in f.seen), 2.5 * 2400)
        self.assertGreater(frames, 1)
        self.assertLess(slowest, 5)


class Hostile(Case):
    def refused(self, f, *messages):
        s = f.logged_in()
        try:
            for m in messages:
                s.sendall(m)
        except ConnectionError:
            pass
        self.assertTrue(gone(s), messages)
        s.close()

    def test_cve_2014_7815_bits_per_pixel(self):
        f = self.fixture()
        for bpp in (0, 1, 7, 9, 15, 17, 24, 31, 33, 64, 255):
            self.refused(f, pixel_format(bpp))
        self.refused(f, pixel_format(depth=0))
        self.refused(f, pixel_format(depth=33))
        self.usable(f)

    def test_cve_2015_8504_zero_maximum(self):
        f = self.fixture()
        for maxima in ((0, 255, 255), (255, 0, 255), (255, 255, 0), (254, 255, 255), (255, 511 + 1, 255)):
            self.refused(f, pixel_format(maxima=maxima))
        self.refused(f, pixel_format(shifts=(32, 8, 0)))
        self.refused(f, pixel_format(shifts=(25, 8, 0)))
        self.refused(f, pixel_format(16, 16, maxima=(255, 255, 255)))
        self.usable(f)

    def test_cve_2014_6053_2018_7225_cut_text_length(self):
        f = self.fixture()
        for n in ((1 << 20) + 1, 0x7fffffff, 0x80000000, 0x80000001):
            self.refused(f, struct.pack('>BxxxI', 6, n), bytes(65536))
        s = f.logged_in()  # what is within bounds is read and forgotten
        s.sendall(struct.pack('>BxxxI', 6, 1 << 20) + bytes(1 << 20))
        s.sendall(struct.pack('>BxxxI', 6, (1 << 32) - 100) + bytes(100))
        s.sendall(request(64, 48))
        self.assertEqual(take(s, 2), b'\0\0')
        self.usable(f)

    def test_cve_2018_15127_what_was_not_offered(self):
        f = self.fixture()
        for kind in (1, 7, 10, 11, 15, 22, 100, 150, 248, 250, 251, 252, 254, 255):
            self.refused(f, bytes([kind]) + bytes(64))
        self.refused(f, encodings(0, -258), b'\xff\1' + bytes(20))
        self.refused(f, struct.pack('>BxH', 2, 65535))
        self.usable(f)

    def test_cve_2023_3354_drops_in_the_handshake(self):
        f = self.fixture('127.0.0.1:40,password=on,to=90')
        f.ask('password x')
        whole = b'RFB 003.008\n\2' + bytes(16) + b'\1'
        for n in range(len(whole)):
            s = f.socket()
            s.sendall(whole[:n])
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', n & 1, 0))
            s.close()
        f.until_clients(0)
        f.until_no_child()
        f.connect(password='x').full()

    def test_cve_2015_1779_2025_11234_websocket(self):
        """There is no websocket: its header, however long, is no RFB version."""
        f = self.fixture()
        head = b'GET /websockify HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: '
        for n in (1, 4, 11, 12, 13, len(head)):  # dropped while it arrives
            s = f.socket()
            s.sendall(head[:n])
            s.close()
        s = f.socket()
        try:
            s.sendall(head)
            for _ in range(256):
                s.sendall(b'A' * 65536)
        except OSError:
            pass
        self.assertTrue(gone(s))
        s.close()
        self.usable(f)

    def test_cve_2026_32854_2017_18922_no_http(self):
        f = self.fixture()
        for line in (b'CONNECT x HTTP/1.0\r\n\r\n', b'GET /proxied.connection HTTP/1.0\r\n\r\n', b'GET /index \r\n\r\n',
                     b'\x81\xff' + b'\xff' * 12):
            s = f.socket()
            s.sendall(line)
            self.assertTrue(gone(s), line)
            s.close()
        self.usable(f)

    def test_cve_2017_2633_screen_gets_smaller(self):
        f = self.fixture()
        s = f.logged_in()  # knows nothing of sizes that change
        for w, h in ((2560, 1600), (1, 1), (8, 1600), (2560, 1), (64, 48)):
            s.sendall(request(2560, 1600) + request(65535, 65535, 1))
            f.do('size %d %d' % (w, h))
            f.do('pattern 0 0 %d %d 7' % (w, h))
        f.done('size 64 48')
        s.close()
        self.usable(f)

    def test_cve_2022_3165_2023_3255_clipboard(self):
        """The extended clipboard: its length is negative, its zlib never ends."""
        f = self.fixture()
        s = f.logged_in()
        s.sendall(encodings(0, 0xc0a1e5ce - (1 << 32)))
        for n in (1, 3, 4, 8, 100):
            s.sendall(struct.pack('>BxxxI', 6, (1 << 32) - n) + struct.pack('>I', 0x10000001) * (n // 4) + bytes(n % 4))
        s.sendall(request(64, 48))
        self.assertEqual(take(s, 2), b'\0\0')
        self.refused(f, encodings(0, 0xc0a1e5ce - (1 << 32)), struct.pack('>BxxxI', 6, 0x80000000), bytes(4096))
        self.refused(f, encodings(0, 0xc0a1e5ce - (1 << 32)), struct.pack('>BxxxI', 6, (1 << 32) - (1 << 21)),
                     bytes(4096))
        self.usable(f)

    def test_dribble_delays_nobody(self):
        """Half a message from one viewer; the others are served at once."""
        f = self.fixture()
        s = f.logged_in()
        s.sendall(request(64, 48)[:7])
        start = time.monotonic()
        self.usable(f)
        self.assertLess(time.monotonic() - start, 2)
        s.sendall(request(64, 48)[7:])
        take(s, 16 + 64 * 48 * 4)

    def test_cve_2017_15124_15268_stalled_viewer(self):
        f = self.fixture()
        f.done('size 2560 1600')
        a, b = f.logged_in(), f.logged_in()
        b.sendall(encodings(rfb.NAMES['zlib'], -223))
        r = f.connect()
        r.full()
        pid = f.children()[0]

        def private():
            with open('/proc/%d/smaps_rollup' % pid) as m:
                return sum(int(line.split()[1]) for line in m if line.startswith('Private_Dirty'))
        before = private()
        for s in (a, b):
            s.setblocking(False)
        for i in range(300):  # they ask and do not read
            for s in (a, b):
                try:
                    s.send(request(2560, 1600))
                except BlockingIOError:
                    pass
            f.do('pattern %d %d 200 100 %d' % (i, i, i))
        start = time.monotonic()
        r.full()
        self.assertLess(time.monotonic() - start, 10)
        self.assertLess(private() - before, 2 * 4096)
        looks = int(f.ask('looks'))
        r.close()
        f.until_clients(2)
        time.sleep(1)
        self.assertLess(int(f.ask('looks')) - looks, 6)  # nobody waits, nobody looks

    def test_knocking(self):
        """Each first viewer starts hvmd-vnc, which costs the guest: who comes and goes does that
        a bounded number of times, and who stays is served all the same."""
        f = self.fixture()
        looks = int(f.ask('looks'))
        end = time.monotonic() + 3
        while time.monotonic() < end:
            try:
                socket.create_connection((f.host, f.port), 0.05).close()
            except OSError:
                pass
            time.sleep(0.002)
        self.assertLess(int(f.ask('looks')) - looks, 60)
        self.usable(f)

    def test_death_of_hvmd_vnc(self):
        f = self.fixture()
        r = f.connect()
        r.full()
        os.kill(f.children()[0], signal.SIGKILL)
        self.assertTrue(gone(r.s))
        f.until_clients(0)
        f.until_no_child()
        self.usable(f)
        self.assertTrue(any('hvmd-vnc has ended' in line for line in f.err))

    def test_stopped_hvmd_vnc_delays_nothing(self):
        f = self.fixture()
        r = f.connect()
        r.full()
        pid = f.children()[0]
        os.kill(pid, signal.SIGSTOP)
        for i in range(2000):
            f.do('leds %d' % (i & 7))
        start = time.monotonic()
        more = [f.socket() for _ in range(30)]
        f.ask('clients')
        self.assertLess(time.monotonic() - start, 2)
        os.kill(pid, signal.SIGCONT)
        for s in more:
            s.close()
        f.until_clients(1)
        self.usable(f)

    def test_hvmd_still_holds_the_connection(self):
        """hvmd-vnc was told of events of a client that it had freed."""
        ctl, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        def start():
            os.dup2(other.fileno(), 3)

        p = subprocess.Popen([os.path.dirname(FIXTURE) + '/hvmd-vnc'], stdin=subprocess.DEVNULL, preexec_fn=start,
                             stderr=subprocess.PIPE, close_fds=False)
        other.close()
        ctl.settimeout(WAIT)
        pixels = os.memfd_create('pixels')
        os.ftruncate(pixels, PIXELS_BYTES)
        socket.send_fds(ctl, [struct.pack('=II64s', 1, 0, b'x')], [pixels])
        ctl.send(struct.pack('=II12x', 5, 0))
        ctl.send(struct.pack('=III', 3, 64, 48))
        held = []
        for slot in range(20):
            far, near = socket.socketpair()
            socket.send_fds(ctl, [struct.pack('=II', 2, slot)], [near.fileno()])
            held.append(near)
            far.settimeout(WAIT)
            self.assertEqual(take(far, 12), b'RFB 003.008\n')
            far.send(b'no version 1')
            self.assertEqual(struct.unpack('=II', ctl.recv(100)), (68, slot))  # gone
            far.send(b'more')
            far.close()
        for near in held:
            near.close()
        ctl.close()
        self.assertEqual(p.wait(WAIT), 0, p.stderr.read())
        p.stderr.close()
        os.close(pixels)

    def test_fuzz(self):
        f = self.fixture()
        rng = random.Random(1)
        kinds = [pixel_format(16, 16, 0, 1, (31, 63, 31), (11, 5, 0)), pixel_format(), request(64, 48),
                 request(65535, 65535), request(64, 48, 1), encodings(0, -258, -308, -261, -224),
                 encodings(7, -224, -23, -256), encodings(16), encodings(6), encodings(5),
                 struct.pack('>BBxxI', 4, 1, 0x41), struct.pack('>BBHH', 5, 3, 5, 5),
                 struct.pack('>BxxxI', 6, 10) + bytes(10),
                 struct.pack('>BxHHBx', 251, 640, 480, 1) + bytes(16), struct.pack('>BBHII', 255, 0, 1, 0x41, 0x1e)]
        pid = None
        keeper = f.logged_in()
        for i in range(300):
            s = f.socket()
            s.setblocking(False)
            data = bytearray(b'RFB 003.00%d\n\1\1' % rng.choice((3, 7, 8, 8, 8)))
            for _ in range(rng.randrange(1, 30)):
                data += rng.choice(kinds)
            for _ in range(rng.choice((0, 0, 1, 5))):
                data[rng.randrange(14, len(data))] = rng.randrange(256)
            try:
                s.send(data)
                if i % 3:
                    time.sleep(0.002)
                    s.recv(1 << 20)
            except (BlockingIOError, ConnectionError):
                pass
            if i % 10 == 0:
                f.do('size %d %d' % (rng.randrange(1, 300), rng.randrange(1, 300)))
            s.close()
            pid = pid or f.children()[0]
        f.do('size 64 48')
        keeper.sendall(request(64, 48))
        take(keeper, 4)
        self.assertEqual(f.children(), [pid], f.err)


class Rogue(Case):
    """hvmd-vnc in a stranger's hands: R16, nothing that it sends may harm."""

    def rogue(self, mode):
        d = tempfile.TemporaryDirectory()
        self.addCleanup(d.cleanup)
        shutil.copy(FIXTURE, d.name + '/fixture')
        shutil.copy(os.path.dirname(FIXTURE) + '/vnc_rogue', d.name + '/hvmd-vnc')
        with open(d.name + '/mode', 'w') as f:
            f.write(mode)
        return self.fixture(program=d.name + '/fixture')

    def test_nonsense_ends_it(self):
        for mode in ('type', 'hello', 'key-0', 'key-256', 'wheel', 'random', 'empty', 'exit', 'gone',
                     'slot', 'ready'):
            with self.subTest(mode):
                f = self.rogue(mode)
                s = f.socket()
                self.assertTrue(gone(s))
                f.until_clients(0)
                f.until_no_child()
                again = f.socket()
                self.assertTrue(gone(again))
                self.assertFalse([k for k in f.seen if k.startswith(('key', 'rel'))])

    def test_pointer_is_clamped(self):
        f = self.rogue('far')
        s = f.socket()
        self.assertEqual(f.events('rel', 2), ['rel -2560 -1600 0 31', 'rel 2559 1599 0 31'])
        s.close()

    def test_floods(self):
        for mode in ('demand', 'keys', 'fds'):
            with self.subTest(mode):
                f = self.rogue(mode)
                fds = len(os.listdir('/proc/%d/fd' % f.p.pid))
                s = f.socket()
                end = time.monotonic() + 2
                slowest = 0
                while time.monotonic() < end:
                    start = time.monotonic()
                    f.ask('clients')
                    slowest = max(slowest, time.monotonic() - start)
                self.assertLess(slowest, 1)
                self.assertLess(int(f.ask('looks')), 300)
                self.assertLess(sum(k.startswith('key') for k in f.seen), 20000)
                self.assertLess(len(os.listdir('/proc/%d/fd' % f.p.pid)), fds + 5)
                self.assertLess(len(f.err), 30)
                s.close()

    def test_deaf(self):
        f = self.rogue('deaf')
        viewers = [f.socket() for _ in range(50)]
        for i in range(3000):
            f.do('leds %d' % (i & 7))
        start = time.monotonic()
        self.assertLessEqual(int(f.ask('clients')), 24)
        self.assertLess(time.monotonic() - start, 2)
        for s in viewers:
            s.close()


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], warnings='ignore')

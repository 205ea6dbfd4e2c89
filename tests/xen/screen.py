# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads text off the pixels of a screen: cells of 8x16 or 9x16 pixels are looked up
in the VGA BIOS's own font, so tests can ask for words instead of comparing with
stored pictures."""
import collections


def font_of_rom(path):
    """The 8x16 font in a VGA BIOS: 256 glyphs of 16 bytes, found by its blank, its
    full block (219) and its upper and lower half blocks (223, 220)."""
    rom = open(path, 'rb').read()
    full, at = b'\xff' * 16, -1
    while True:
        at = rom.find(full, at + 1)
        if at < 0:
            raise ValueError('no 8x16 font in ' + path)
        start = at - 219 * 16
        font = rom[start:start + 4096] if start >= 0 else b''
        if (len(font) == 4096 and not any(font[:16]) and not any(font[512:528]) and
                font[223 * 16] == 255 and font[223 * 16 + 15] == 0 and
                font[220 * 16] == 0 and font[220 * 16 + 15] == 255):
            return font


class Reader:
    def __init__(self, font):
        self.glyphs = {}
        order = sorted(range(256), key=lambda c: not 32 <= c < 127)
        for c in reversed(order):
            bits = font[c * 16:c * 16 + 16]
            self.glyphs[bits] = chr(c) if 32 <= c < 127 else ' ' if c in (0, 255) else bytes([c]).decode('cp437')
        self.cache = {}

    def _cell(self, rows):
        """One cell: 16 rows of 8 pixels. None when it is no glyph."""
        key = b''.join(rows)
        if key in self.cache:
            return self.cache[key]
        first = key[:4]
        if key == first * 128:
            out = ' '
        else:
            bits = bytes(sum(128 >> i for i in range(8) if r[4 * i:4 * i + 4] != first) for r in rows)
            inverse = bytes(b ^ 255 for b in bits)
            out = self.glyphs.get(bits) or self.glyphs.get(inverse)
            if out is None:
                # the cursor: the lowest rows are solid
                for cut in (13, 14):
                    for b in (bits, inverse):
                        plain = b[:cut] + bytes(16 - cut)
                        out = out or (self.glyphs.get(plain) if set(b[cut:15]) <= {255} else None)
        if len(self.cache) < 20000:
            self.cache[key] = out
        return out

    def lines(self, rfb):
        """The screen's lines of text; a cell that is no glyph gives U+FFFD."""
        w, h = rfb.w, rfb.h
        cell = 9 if w % 9 == 0 and w % 8 == 0 and w // 9 in (40, 80) else 8
        fb, pitch, out = memoryview(rfb.fb), w * 4, []
        for top in range(0, h - h % 16, 16):
            rows = [fb[(top + r) * pitch:(top + r + 1) * pitch] for r in range(16)]
            if all(bytes(r) == bytes(rows[0]) for r in rows) and bytes(rows[0]) == bytes(rows[0][:4]) * w:
                out.append('')
                continue
            line = [self._cell([bytes(r[x * 4:x * 4 + 32]) for r in rows]) for x in range(0, w - cell + 1, cell)]
            out.append(''.join('\ufffd' if c is None else c for c in line).rstrip())
        return out

    def text(self, rfb):
        return '\n'.join(self.lines(rfb))


def background(rfb, row, column, cell=9):
    """The colour of a text cell's top left pixel: shows which row is selected."""
    o = ((row * 16) * rfb.w + column * cell) * 4
    return bytes(rfb.fb[o:o + 3])


SHADES = '.:-=+*oO#@'  # no blanks: what prints this may trim lines


def sketch(rfb, columns=40, rows=12):
    """A graphical screen as characters, each the brightness of its part of the screen:
    from the darkest part, ".", to the brightest, "@". With the greatest difference
    within each row of parts, which thin text does not change the brightness enough for."""
    if rfb.w < columns or rfb.h < rows:
        return ['a screen of %dx%d' % (rfb.w, rfb.h)]
    parts = []
    for y in range(rows):
        part = [[] for _ in range(columns)]
        top, bottom = y * rfb.h // rows, (y + 1) * rfb.h // rows
        for line in range(top, bottom, max(1, (bottom - top) // 8)):
            green = rfb.fb[line * rfb.w * 4 + 1:(line + 1) * rfb.w * 4:4]
            for x in range(columns):
                part[x] += green[x * rfb.w // columns:(x + 1) * rfb.w // columns:2]
        parts.append(part)
    means = [[sum(p) / len(p) for p in row] for row in parts]
    low, high = min(min(row) for row in means), max(max(row) for row in means)
    scale = (len(SHADES) - 0.01) / max(high - low, 1)
    return [''.join(SHADES[int((m - low) * scale)] for m in mean) +
            ' contrast %d' % max(max(p) - min(p) for p in row) for mean, row in zip(means, parts)]


def describe(reader, rfb):
    """What a screen shows, in at most 30 lines: its text, or a sketch of its picture."""
    lines = [line for line in reader.lines(rfb) if line.strip()]
    text = ''.join(lines)
    unread = text.count('\ufffd')
    kind = 'text' if unread * 5 <= len(text) - unread else 'picture'
    head = 'screen of %dx%d, %s:' % (rfb.w, rfb.h, kind if lines else 'nothing on it')
    if kind == 'text':
        return [head] + lines[-25:]
    colours = collections.Counter(bytes(rfb.fb[o:o + 3]) for o in range(0, rfb.w * rfb.h * 4, 4 * 61)).most_common(5)
    of = len(range(0, rfb.w * rfb.h, 61))
    return [head] + sketch(rfb) + ['commonest colours: ' + ', '.join(
        '#%s %d%%' % (c[::-1].hex(), n * 100 // of) for c, n in colours)]

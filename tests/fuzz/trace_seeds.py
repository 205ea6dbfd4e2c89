# SPDX-License-Identifier: GPL-2.0-or-later
"""From the trace of a guest (hvmd -record) to seeds of a fuzz target.

A seed is a piece of the trace: what lies in the target's windows, moved to
where the target has its devices, without most of what is only waiting. Before
it stands what it needs: the last value of each register that lasts.
"""
import re
from collections import OrderedDict

PIECE = 2048    # bytes of a seed
ENOUGH = 1280   # from here on it ends where that does no harm
WAITS = 6       # reads of the same place or of the next, one after the other
SIZE = {"b": 1, "w": 2, "l": 4, "q": 8}
SPACE = {"out": "io", "in": "io", "repout": "io", "repin": "io", "write": "mem", "read": "mem",
         "copyout": "mem", "copyin": "mem", "cfgout": "pci", "cfgin": "pci"}

# BARs in a Xen guest: config address, space, bytes.
BARS = {0x920: ("io", 16), 0x1010: ("io", 256), 0x1014: ("mem", 1 << 24),
        0x1810: ("mem", 1 << 24), 0x1818: ("mem", 0x1000), 0x2010: ("io", 256),
        0x2014: ("mem", 256)}
# Where a target's own firmware puts them.
RTL = {0x2010: 0xc000, 0x2014: 0xe0000000}
PLACES = {
    "machine": {0x920: 0xc000, 0x1010: 0xc100, 0x1014: 0xf0000000, 0x1810: 0xf1000000,
                0x1818: 0xf1100000, 0x2010: 0xc200},
    "unplug": {0x920: 0xc000, 0x1010: 0xc100, 0x2010: 0xc200},
    "ata": {0x920: 0xc000}, "atapi": {0x920: 0xc000}, "bmdma": {0x920: 0xc000},
    "vga": {0x1818: 0xfeb00000}, "vbe": {0x1818: 0xfeb00000},
    "xenplat": {0x1010: 0xc000, 0x1014: 0xf2000000},
    "rtl8139": RTL, "rtl8139c": RTL, "rtl8139plus": RTL,
}
# Functions that sit in another slot there.
SLOTS = {"vga": {0x18: 0x10}, "vbe": {0x18: 0x10}}

# Ports of an index, and of the data behind it.
INDEX = {0x3c4: 0x3c5, 0x3ce: 0x3cf, 0x3d4: 0x3d5, 0x3b4: 0x3b5, 0x1ce: 0x1cf, 0x70: 0x71,
         0x3c0: 0x3c0}
# Ports that keep what is written: of one value each.
LASTING = {0x3c2, 0x3c6, 0x1f6, 0x176, 0x3f6, 0x376, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x92, 0xae0c,
           0xb004, 0xb002, 0xaf02, 0xc002, 0xc00a, 0xc004, 0xc00c}


def windows(text):
    """What "fuzz_TARGET --windows" says."""
    found = []
    for line in text.splitlines():
        space, base, size = line.split()
        found.append((space, int(base, 0), int(size, 0)))
    return found


class Piece:
    def __init__(self, target, wins):
        self.wins, self.target = wins, target
        self.places, self.slots = PLACES.get(target, {}), SLOTS.get(target, {})
        self.at = {}          # BAR: where the guest has put it
        self.lasting = OrderedDict()
        self.index = {}
        self.dlab = False
        self.memory = []      # what the next request has devices read
        self.pieces = []
        self.begin()

    def begin(self):
        self.lines = [line for lines in self.lasting.values() for line in lines]
        self.bytes = sum(self.cost(line.split()) or 0 for line in self.lines)
        self.own = 0          # lines that are no set-up
        self.ns = 0
        self.last, self.same = None, 0

    def end(self):
        if self.own > 3:
            self.pieces.append(self.lines)
        self.begin()

    def moved(self, space, addr):
        """Where the target has what the guest had there."""
        if space == "pci":
            return self.slots.get(addr >> 8, addr >> 8) << 8 | addr & 0xff
        for bar, base in self.at.items():
            if bar in self.places and BARS[bar][0] == space and 0 <= addr - base < BARS[bar][1]:
                return self.places[bar] + addr - base
        return addr

    def value(self, addr, value):
        """Of a write to config space: a BAR's address is the target's."""
        if addr not in BARS or value >= 0xfffff000:
            return value
        space, size = BARS[addr]
        base = value & ~(3 if space == "io" else 15)
        if not base:
            return value
        self.at[addr] = base
        return self.places.get(addr, base) | value & (3 if space == "io" else 15)

    def cost(self, words):
        """Bytes of the step; None: not of this target."""
        if words[0] == "clock":
            return 2
        if words[0] == "write":
            return 5 + len(words[2]) // 2
        verb = words[0] if words[0] in SPACE else words[0][:-1]
        addr = int(words[1], 0)
        for n, (space, base, size) in enumerate(self.wins):
            if space == SPACE[verb] and 0 <= addr - base < size:
                off = 4 if size > 65536 else 2 if size > 256 else 1
                head = 1 + (n >= 15) + off
                if verb.startswith(("rep", "copy")):
                    return head + 2
                return head + (SIZE[words[0][-1]] if len(words) > 2 else 0)
        return None

    def remember(self, words):
        """What of it lasts; registers of an index by that."""
        verb, addr, line = words[0][:-1], int(words[1], 0), " ".join(words)
        if verb == "cfgout":
            if int(words[2], 0) or addr & 0xff not in range(0x10, 0x34):
                self.lasting[words[1]] = [line]
            return
        if verb != "out":
            if verb == "in" and addr in (0x3da, 0x3ba):
                self.index.pop(0x3c0, None)
            return
        value = int(words[2], 0)
        if addr == 0x3c0:       # index and data by turns
            if 0x3c0 in self.index:
                n = self.index.pop(0x3c0)
                self.lasting[addr, n & 31] = ["inb 0x3da", f"outb 0x3c0 {n:#x}", line]
            else:
                self.index[addr] = value
        elif addr in INDEX and words[0][-1] == "w" and addr != 0x1ce:
            self.lasting[addr, value & 255] = [line]
        elif addr in INDEX:
            self.index[addr] = value
        elif addr - 1 in INDEX and addr - 1 in self.index and addr != 0x3c1:
            n = self.index[addr - 1]
            size = "w" if addr == 0x1cf else "b"
            self.lasting[addr - 1, n] = [f"out{size} {addr - 1:#x} {n:#x}", line]
        elif addr in (0x3f8, 0x3f9) and self.dlab:
            self.lasting["divisor", addr] = ["outb 0x3fb 0x83", line]
        elif addr in LASTING:
            if addr == 0x3fb:
                self.dlab = bool(value & 0x80)
            self.lasting[addr] = [line]

    def waits(self, verb, addr):
        """One of many reads for the same."""
        if verb not in ("in", "read", "cfgin"):
            self.last, self.same = None, 0
            return False
        near = self.last and self.last[0] == verb and abs(self.last[1] - addr) <= 8
        self.same = self.same + 1 if near else 0
        self.last = verb, addr
        return self.same >= WAITS

    def add(self, line):
        words = line.split()
        if words[0] == "clock":
            self.ns += int(words[1])
            return
        if words[0] == "write":
            self.memory.append(line)
            return
        verb = words[0] if words[0] in SPACE else words[0][:-1]
        addr, space = int(words[1], 0), SPACE[verb]
        if verb == "cfgout":
            words[2] = hex(self.value(addr, int(words[2], 0)))
        addr = self.moved(space, addr)
        words[1] = hex(addr)
        memory, self.memory = self.memory, []
        cost = self.cost(words)
        if cost is None or self.waits(verb, addr):
            return
        cost += sum(self.cost(m.split()) for m in memory) + 2
        calm = verb.startswith("cfg") or self.ns > 1000000 or words[1] in ("0x1f6", "0x176", "0x64")
        if self.bytes + cost > PIECE or (calm and self.bytes > ENOUGH):
            self.end()
        if self.ns >= 1000 and self.own:
            self.lines.append(f"clock {self.ns}")
        self.ns = 0
        self.lines += memory + [" ".join(words)]
        self.bytes += cost
        self.own += 1
        if verb in ("out", "cfgout"):
            self.remember(words)


def seeds(target, wins, text, prefix, head=""):
    """The text for "fuzz_TARGET --make", of a trace as "trace_replay -s" tells it."""
    piece = Piece(target, wins)
    for line in text.splitlines():
        if line and not line.startswith("seed "):
            piece.add(re.sub(r" +$", "", line))
    piece.end()
    out, known = [], set()
    for lines in piece.pieces:
        one = "\n".join(line for line in lines if not line.startswith("clock"))
        if one not in known:
            out.append(f"seed {prefix}-{len(known)}\n{head}" + "\n".join(lines))
        known.add(one)
    return "\n".join(out)

# SPDX-License-Identifier: GPL-2.0-or-later
"""The other side of hvmd-qtest, as a device test has it: listens on two sockets, starts
the program by the shell under a name that ends in -system-i386, and takes its answers."""
import json
import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time

WAIT = 30


class Lines:
    """A stream of lines, with an end to waiting."""

    def __init__(self, sock):
        self.sock = sock
        self.buf = b""

    def line(self, wait=WAIT):
        end = time.monotonic() + wait
        while b"\n" not in self.buf:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                raise TimeoutError("no answer")
            more = self.sock.recv(1 << 20)
            if not more:
                raise EOFError("the program has gone")
            self.buf += more
        text, self.buf = self.buf.split(b"\n", 1)
        return text.decode()


class Machine:
    def __init__(self, program, args="", qmp=True):
        self.dir = tempfile.TemporaryDirectory()
        name = os.path.join(self.dir.name, "hvmd-system-i386")
        os.symlink(program, name)
        listeners = []
        for path in ("qtest.sock", "qmp.sock"):
            s = socket.socket(socket.AF_UNIX)
            s.bind(os.path.join(self.dir.name, path))
            s.listen(1)
            s.settimeout(WAIT)
            listeners.append(s)
        command = (
            f"exec {name} -qtest unix:{self.dir.name}/qtest.sock -qtest-log /dev/null "
            f"-chardev socket,path={self.dir.name}/qmp.sock,id=char0 "
            f"-mon chardev=char0,mode=control -display none -audio none {args} -accel qtest")
        self.process = subprocess.Popen(["/bin/sh", "-c", command])
        self.wire = Lines(listeners[0].accept()[0])
        self.qmp_lines = Lines(listeners[1].accept()[0])
        for s in listeners:
            s.close()
        self.irq = {}
        self.events = []
        assert self.command("endianness") == ["little"]
        self.greeting = json.loads(self.qmp_lines.line())
        if qmp:
            assert self.qmp("qmp_capabilities") == {}

    def close(self):
        """SIGTERM has to end it well."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(WAIT)
        self.wire.sock.close()
        self.qmp_lines.sock.close()
        self.dir.cleanup()
        return status

    def answer(self):
        while True:
            text = self.wire.line()
            words = text.split(" ")
            if words[0] != "IRQ":
                return text
            self.irq[int(words[2])] = words[1] == "raise"

    def raw(self, line):
        self.wire.sock.sendall(line.encode() + b"\n")
        return self.answer()

    def command(self, line):
        text = self.raw(line)
        assert text == "OK" or text.startswith("OK "), (line, text)
        return text.split(" ")[1:]

    def number(self, line):
        return int(self.command(line)[0], 0)

    def inb(self, port):
        return self.number(f"inb {port:#x}")

    def inw(self, port):
        return self.number(f"inw {port:#x}")

    def inl(self, port):
        return self.number(f"inl {port:#x}")

    def outb(self, port, value):
        self.command(f"outb {port:#x} {value:#x}")

    def outw(self, port, value):
        self.command(f"outw {port:#x} {value:#x}")

    def outl(self, port, value):
        self.command(f"outl {port:#x} {value:#x}")

    def read(self, addr, length):
        return bytes.fromhex(self.command(f"read {addr:#x} {length:#x}")[0][2:])

    def write(self, addr, data):
        self.command(f"write {addr:#x} {len(data):#x} 0x{data.hex()}")

    def step(self, ns):
        return self.number(f"clock_step {ns}")

    def level(self, gsi):
        self.inb(0)
        return self.irq.get(gsi, False)

    # QMP

    def message(self):
        while True:
            text = self.qmp_lines.line()
            if text.strip():
                return json.loads(text)

    def ask(self, name, **arguments):
        request = {"execute": name}
        if arguments:
            request["arguments"] = arguments
        self.qmp_lines.sock.sendall(json.dumps(request, indent=4).encode() + b"\n")
        while True:
            m = self.message()
            if "event" not in m:
                return m
            self.events.append(m["event"])

    def qmp(self, name, **arguments):
        return self.ask(name, **arguments)["return"]

    def event(self, name):
        while name not in self.events:
            self.events.append(self.message()["event"])
        self.events.remove(name)

    def hmp(self, line):
        return self.qmp("human-monitor-command", **{"command-line": line})

    # PCI, mechanism 1

    def select(self, devfn, reg):
        self.outl(0xCF8, 0x80000000 | devfn << 8 | reg & 0xFC)
        return 0xCFC + (reg & 3)

    def cfg(self, devfn, reg, size=4):
        port = self.select(devfn, reg)
        return {1: self.inb, 2: self.inw, 4: self.inl}[size](port)

    def set_cfg(self, devfn, reg, value, size=4):
        port = self.select(devfn, reg)
        {1: self.outb, 2: self.outw, 4: self.outl}[size](port, value)

    def place(self, devfn, bar, addr):
        """Sizes a BAR by ones, puts it at addr; its size."""
        reg = 0x10 + 4 * bar
        self.set_cfg(devfn, reg, 0xFFFFFFFF)
        got = self.cfg(devfn, reg)
        mask = 0xFFFFFFFC if got & 1 else 0xFFFFFFF0
        assert got & mask, "no size bits"
        size = -(got & mask) & 0xFFFFFFFF
        if got & 1:
            size = -(got & mask & 0xFFFF) & 0xFFFF
        self.set_cfg(devfn, reg, addr)
        assert self.cfg(devfn, reg) & mask == addr
        return size

    def enable(self, devfn):
        self.set_cfg(devfn, 4, self.cfg(devfn, 4, 2) | 7, 2)
        assert self.cfg(devfn, 4, 2) & 7 == 7

    def find(self, ident):
        for devfn in range(256):
            if self.cfg(devfn, 0) == ident:
                return devfn
        return None


BSY, DRDY, DF, DRQ, ERR = 0x80, 0x40, 0x20, 0x08, 0x01
ACTIVE, INTR = 1, 4
IDE, BM = 0x09, 0xC000
DATA, PRDT = 0x100000, 0x180000
EOT = 0x80000000


class Ide(Machine):
    """The primary channel, its bus master placed and switched on."""

    def __init__(self, program, args=""):
        super().__init__(program, args)
        self.command("irq_intercept_in ioapic")
        assert self.cfg(IDE, 0) == 0x70108086
        assert self.place(IDE, 4, BM) == 16
        self.enable(IDE)

    def status(self):
        return self.inb(0x1F7)

    def lacks(self, *bits):
        status = self.status()
        assert not status & sum(bits), f"status {status:#x}"
        return status

    def wait(self, bits):
        """Until none of them is set any more."""
        for _ in range(10000):
            status = self.status()
            if not status & bits:
                return status
        raise AssertionError(f"status stays {status:#x}")

    def registers(self, lba=0, count=1, dev=0xE0):
        self.outb(0x1F6, dev | lba >> 24 & 15)
        self.outb(0x1F2, count & 0xFF)
        for i in range(3):
            self.outb(0x1F3 + i, lba >> (8 * i) & 0xFF)

    def dma(self, cmd, lba=0, count=1, prds=(), feature=0, stop=False, master=True, packet=None):
        """One command by DMA; the bus master's status at its end."""
        reads = cmd in (0xC8, 0xA0)
        if not master:
            self.set_cfg(IDE, 4, self.cfg(IDE, 4, 2) & ~4, 2)
        self.outb(BM, 0)
        self.outb(BM + 2, 6)
        if prds:
            table = b"".join(struct.pack("<II", *p) for p in prds)
            self.write(PRDT, table)
        self.outl(BM + 4, PRDT)
        self.outb(0x1F1, feature)
        self.registers(lba, count, 0 if packet else 0xE0)
        self.outb(0x1F7, cmd)
        if packet:
            for i in range(0, 12, 2):
                self.outw(0x1F0, packet[i] | packet[i + 1] << 8)
        self.outb(BM, 1 | (8 if reads else 0))
        if stop:
            self.outb(BM, 0)
        for _ in range(10000):
            status = self.inb(BM + 2)
            if status & (ACTIVE | INTR) != ACTIVE:
                break
        assert self.level(14) == bool(status & INTR)
        self.lacks(BSY, DF, DRQ)
        assert not self.level(14)
        self.ended = self.inb(0x3F6)
        if status & ACTIVE:
            self.outb(BM, 0)
        return status

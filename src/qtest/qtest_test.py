#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Contract tests of hvmd-qtest: what device tests written for QEMU rely on, one test a
paragraph. The real program on its two sockets.

qtest_test.py HVMD-QTEST [unittest arguments]
"""
import base64
import os
import random
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from client import (ACTIVE, BSY, DATA, DF, DRDY, DRQ, EOT, ERR, IDE, INTR, Ide, Lines, Machine,
                    WAIT)

PROGRAM = os.path.abspath(sys.argv[1])
CD_LIMIT = 5120
RTL = 0x813910EC
CLK = 33333333


class Case(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.addCleanup(self.tmp.cleanup)

    def machine(self, args="", kind=Machine):
        m = kind(PROGRAM, args)
        self.addCleanup(lambda: self.assertEqual(m.close(), 0))
        return m

    def file(self, size=64 << 20, name="disk", data=b""):
        path = os.path.join(self.tmp.name, name)
        with open(path, "wb") as f:
            f.write(data)
            f.truncate(max(size, len(data)))
        return path

    def disk(self, more=""):
        return self.machine(
            f"-machine pc -drive file={self.file()},if=ide,cache=writeback,format=raw {more}", Ide)


class Process(Case):
    def test_sigterm_is_a_good_end(self):
        m = Machine(PROGRAM)
        self.assertEqual(m.close(), 0)

    def test_sigterm_while_nobody_reads(self):
        out, into = os.pipe()
        self.addCleanup(os.close, out)
        with subprocess.Popen([PROGRAM, "-qtest", "stdio"], stdin=subprocess.PIPE, stdout=into) as p:
            os.close(into)
            p.stdin.write(b"read 0 0x100000\n")
            p.stdin.flush()
            self.assertTrue(select.select([out], [], [], WAIT)[0])
            time.sleep(0.1)  # and the pipe is full
            p.terminate()
            try:
                self.assertEqual(p.wait(WAIT), 0)
            finally:
                p.kill()

    def test_closed_standard_output(self):
        for closed in (">&-", "<&-", "<&- >&- 2>&-"):
            r = subprocess.run(["/bin/sh", "-c", f'exec "$0" -qtest stdio {closed}', PROGRAM],
                               input=b"inb 0\n", timeout=WAIT, stdout=subprocess.DEVNULL)
            self.assertEqual(r.returncode, 0)

    def stdio(self, text, *args, **kw):
        return subprocess.run([PROGRAM, *args, "-qtest", "stdio"], input=text, text=True,
                              capture_output=True, timeout=WAIT, **kw)

    def test_stdio_ends_with_its_input(self):
        r = self.stdio("outl 0xcf8 0x80000000\ninl 0xcfc\n", "-M", "pc,accel=qtest",
                       "-display", "none")
        self.assertEqual((r.returncode, r.stdout), (0, "OK\nOK 0x12378086\n"))

    def test_low_bits_of_a_configuration_address_count(self):
        r = self.stdio("outl 0xcf8 0x80000002\ninw 0xcfc\noutb 0xcf8 0\ninb 0xcfd\n")
        self.assertEqual((r.returncode, r.stdout), (0, "OK\nOK 0x1237\nOK\nOK 0x0012\n"))

    def test_blanks_at_the_end_of_a_line_are_nothing(self):
        r = self.stdio("outl 0xcf8 0x80000000 \r\ninl 0xcfc  \n \n", "-M", "pc,accel=qtest")
        self.assertEqual((r.returncode, r.stdout), (0, "OK\nOK 0x12378086\n"))

    def test_words_behind_a_command_are_nothing(self):
        r = self.stdio("outl 0xcf8 0x80000000 # the host bridge\ninl 0xcfc // 1237\n"
                       "write 0x0 0x2 0x1234 a b c\nset_irq_in ioapic x 4 1 2 3\n"
                       "clock_step 5 ns\nread 0x0 2 x\nclock_step # one\n")
        self.assertEqual(r.stdout, "OK\nOK 0x12378086\nOK\nOK\nOK 5\nOK 0x1234\n"
                         "FAIL clock_step: '#' is no number\n")

    def test_last_line_without_an_end_is_answered(self):
        for text in ("inb 0x0\nreadb 0x1", "inb 0x0\nreadb 0x1 \r"):
            r = self.stdio(text)
            self.assertEqual((r.returncode, r.stdout.count("OK 0x")), (0, 2), text)
        path = self.file(0, "in", b"endianness")
        with open(path, encoding="ascii") as f:
            r = subprocess.run([PROGRAM, "-qtest", "stdio"], stdin=f, capture_output=True,
                               timeout=WAIT)
        self.assertEqual((r.returncode, r.stdout), (0, b"OK little\n"))
        m = Machine(PROGRAM)
        m.wire.sock.sendall(b"read 0 0x400000")
        m.wire.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(len(m.answer()), 5 + 0x800000)
        self.assertEqual(m.process.wait(WAIT), 0)
        m.close()

    def test_stdio_of_a_plain_file(self):
        path = self.file(0, "in", b"inb 0x0\n" * 1000)
        with open(path, encoding="ascii") as f:
            r = subprocess.run([PROGRAM, "-qtest", "stdio"], stdin=f, capture_output=True,
                               timeout=WAIT)
        self.assertEqual(r.stdout.count(b"OK 0x"), 1000)
        self.assertEqual(r.returncode, 0)

    def test_reproducers_forms(self):
        disk = self.file()
        for args in (
                "-machine accel=qtest, -m 512M -nodefaults -device rtl8139,netdev=net0 "
                "-netdev user,id=net0 -display none",
                "-M pc,accel=qtest,usb=off -nographic -drive "
                "file=null-co://,if=none,format=raw,id=disk0 -device ide-hd,drive=disk0",
                "-machine pc -accel qtest -trace ide* -monitor none -serial none -hda "
                f"{disk} -snapshot -device VGA -vga none -cpu max -S",
                "-machine pc-i440fx-10.0 -accel qtest -blockdev "
                "driver=null-co,read-zeroes=on,node-name=null0,size=64M "
                "-device ide-cd,drive=null0 -name x,debug-threads=on",
                "-M pc -drive if=none,index=30,file=null-co://,format=raw,id=nullcd0 "
                "-device ide-cd,drive=nullcd0",
                '-accel qtest -blockdev {"driver":"null-co","node-name":"n0","size":4096} '
                "-device ide-hd,drive=n0,bus=ide.1,unit=1"):
            r = self.stdio("inb 0x0\n", *args.split())
            self.assertEqual((r.returncode, r.stderr), (0, ""), args)
            self.assertTrue(r.stdout.startswith("OK 0x"))

    def test_what_is_not_served_is_one_sentence(self):
        for args in ("-machine q35", "-device e1000", "-drive file=x,if=virtio", "-nonsense",
                     "-accel kvm", "-nic model=e1000", "-drive file=/nonexistent/a,if=ide", "-m big",
                     "-m -5", "-drive if=ide,file=null-co://,file.size=-512",
                     "-device ide-hd,drive=none", "-device rtl8139,colour=red", "-qtest",
                     "-vga cirrus", "-blockdev driver=qcow2,node-name=a -device ide-hd,drive=a",
                     "-mon chardev=c,mode=control", "-qtest tcp:0:1", "-qtest unix:",
                     "-qmp unix:x,colour=red",
                     "-qmp unix:/nonexistent/a,server", "-boot order=x", "-global x", "-uuid x",
                     "-uuid 4600cb32-38ec-4b2f-8acb-81c6ea54f2d", "-uuid 4600cb32"):
            r = self.stdio("", *args.split())
            self.assertEqual(r.returncode, 1, args)
            self.assertEqual(r.stderr.count("\n"), 1, r.stderr)
            self.assertTrue(r.stderr.startswith("hvmd-qtest: "), r.stderr)

    def call(self, path):
        s = socket.socket(socket.AF_UNIX)
        self.addCleanup(s.close)
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            try:
                s.connect(path)
                return Lines(s)
            except OSError:
                time.sleep(0.01)
        self.fail("nobody listens")

    def test_sockets_that_it_listens_at(self):
        q, m = (os.path.join(self.tmp.name, name) for name in "qm")
        for args in (f"-qtest unix:{q},server=on,wait=off -qmp unix:{m},server,nowait",
                     f"-qtest unix:{q},server,nowait -qmp unix:{m},server=on,wait=off",
                     f"-qtest chardev:q -chardev socket,id=q,path={q},server=on,wait=off "
                     f"-chardev socket,id=m,path={m},server=on -mon chardev=m,mode=control"):
            with subprocess.Popen([PROGRAM, *args.split()]) as p:
                try:
                    for _ in range(2):  # one after the other
                        qmp = self.call(m)
                        self.assertIn("QMP", qmp.line())
                        qmp.sock.close()
                    wire = self.call(q)
                    wire.sock.sendall(b"endianness\n")
                    self.assertEqual(wire.line(), "OK little")
                    self.assertFalse(os.path.exists(q))
                    wire.sock.close()
                    self.assertEqual(p.wait(WAIT), 0)
                finally:
                    p.kill()
            self.assertEqual(os.listdir(self.tmp.name), [])
        with subprocess.Popen([PROGRAM, "-qtest", f"unix:{q},server=on"]) as p:
            while not os.path.exists(q):
                time.sleep(0.01)
            p.terminate()
            self.assertEqual(p.wait(WAIT), 0)
        self.assertEqual(os.listdir(self.tmp.name), [])

    def test_a_client_that_goes_is_the_end(self):
        m = Machine(PROGRAM)
        m.wire.sock.close()
        self.assertEqual(m.process.wait(WAIT), 0)
        m.qmp_lines.sock.close()
        m.dir.cleanup()


class Wire(Case):
    def test_answers(self):
        m = self.machine()
        m.command("irq_intercept_in ioapic")
        for line, answer in (
                ("writeq 0x1000 0x1122334455667788", "OK"),
                ("readq 0x1000", "OK 0x1122334455667788"),
                ("readl 0x1000", "OK 0x0000000055667788"),
                ("readw 4098", "OK 0x0000000000005566"),
                ("readb 010007", "OK 0x0000000000000011"),
                ("writeb 0x1000 0x1ff", "OK"),
                ("writew 0x1002 0xabcd", "OK"),
                ("writel 0x1004 0xdeadbeef", "OK"),
                ("read 0x1000 0x8", "OK 0xff77cdabefbeadde"),
                ("write 0x2000 0x4 0xAbCdEf", "OK"),  # the rest is zeros
                ("read 0x2000 4", "OK 0xabcdef00"),
                ("write 0x2000 2 0x1122334", "OK"),  # no more than asked
                ("read 0x2000 4", "OK 0x1122ef00"),
                ("write 0x2000 2 0x445", "OK"),  # half a byte is none
                ("read 0x2000 2", "OK 0x4400"),
                ("memset 0x2000 3 0x15a", "OK"),
                ("memset 0x2000 0 0", "OK"),
                ("read 0x2000 4", "OK 0x5a5a5a00"),
                ("b64write 0x2000 4 aGk=", "OK"),
                ("b64read 0x2000 4", "OK aGkAAA=="),
                ("inb 0x6f0", "OK 0x00ff"),
                ("inw 0x6f0", "OK 0xffff"),
                ("inl 0x6f0", "OK 0xffffffff"),
                ("outb 0xffff 1", "OK"),
                ("irq_intercept_in ioapic", "OK"),
                ("irq_intercept_out ioapic", "OK"),
                ("clock_set 400", "OK 400"),
                ("clock_set 400", "OK 400"),
                ("clock_step 600", "OK 1000"),
                ("nonsense 1", "FAIL Unknown command 'nonsense'")):
            self.assertEqual(m.raw(line), answer, line)
        for line in ("clock_set 1", "clock_step", "outb 0x10000 1", "outb 1", "outb 1 x",
                     "read 0 0", "write 0 1 11", "b64write 0 3 a*b=", "rtas a b",
                     "module_load a b", "csr a", "irq_intercept_in nobody", "inb  1",
                     "clock_step 0xffffffffffffffff", "read 0 0x7fffffffffff", "\x01"):
            self.assertTrue(m.raw(line).startswith("FAIL "), line)
        self.assertEqual(m.inb(0), m.inb(0))

    def test_interrupts_come_before_the_answer(self):
        m = self.machine("-drive file=null-co://,if=ide,format=raw")
        m.outb(0x1F7, 0xEC)  # nobody asked to be told
        m.inb(0x1F7)
        m.command("irq_intercept_in ioapic")
        m.wire.sock.sendall(b"inb 0x1f7\noutb 0x3f6 4\noutb 0x3f6 0\noutb 0x1f7 0xec\n"
                            b"inb 0x3f6\ninb 0x1f7\ninb 0x1f7\n")
        self.assertEqual([m.wire.line() for _ in range(9)],
                         ["OK 0x0058", "OK", "OK", "IRQ raise 14", "OK", "OK 0x0058",
                          "IRQ lower 14", "OK 0x0058", "OK 0x0058"])

    def test_interrupts_of_cards_come_by_the_links(self):
        m = self.machine("-nodefaults -device rtl8139")
        m.command("irq_intercept_in ioapic")
        m.place(2 << 3, 0, 0xC000)
        m.enable(2 << 3)
        m.outw(0xC03C, 0x4000)
        m.outl(0xC054, 1)
        m.step(1000)
        self.assertEqual(m.irq, {})  # slot 2, INTA: link 2, routed nowhere
        m.set_cfg(1 << 3, 0x62, 11, 1)
        self.assertTrue(m.level(11))
        m.outw(0xC03E, 0x4000)
        self.assertFalse(m.level(11))

    def test_accesses_across_devices_are_split(self):
        m = self.machine("-drive file=null-co://,if=ide,format=raw")
        self.assertEqual(m.inl(0x3F4), 0xFF50FFFF)  # one port of four is claimed
        self.assertEqual(m.inl(0x1EE), 0x0100FFFF)  # nobody's, data, the diagnosis
        m.outw(0x3F5, 0x0400)
        self.assertEqual(m.inb(0x3F6) & BSY, BSY)
        m.outl(0x3F3, 0)
        self.assertEqual(m.inb(0x3F6), DRDY | 0x10)
        m.outl(0xFFFF, 1)  # behind the last port there is none
        self.assertEqual(m.inl(0xFFFF), 0xFFFFFFFF)

    def test_timers_run_in_the_order_of_their_deadlines(self):
        m = self.machine("-nodefaults -device rtl8139 -device rtl8139")
        m.set_cfg(1 << 3, 0x62, 10, 1)  # slots 2 and 3: their links
        m.set_cfg(1 << 3, 0x63, 11, 1)
        for slot, base in ((2, 0xC000), (3, 0xC100)):
            m.place(slot << 3, 0, base)
            m.enable(slot << 3)
            m.outw(base + 0x3C, 0x4000)
        m.command("irq_intercept_in ioapic")
        for near, far in ((0xC000, 0xC100), (0xC100, 0xC000)):
            for base, ticks in ((far, 2000), (near, 1000)):
                m.outw(base + 0x3E, 0x4000)
                m.outl(base + 0x54, ticks)
                m.outl(base + 0x48, 0)
            m.wire.sock.sendall(b"clock_step 1000000\n")
            first, second = (10, 11) if near == 0xC000 else (11, 10)
            self.assertEqual([m.wire.line() for _ in range(2)],
                             [f"IRQ raise {first}", f"IRQ raise {second}"])
            self.assertTrue(m.wire.line().startswith("OK "))
            for base in (near, far):
                m.outw(base + 0x3E, 0x4000)

    def test_any_chunking(self):
        m = self.machine()
        text = b"writel 0x5000 0x12345678\nreadl 0x5000\n"
        for i in range(len(text)):
            m.wire.sock.sendall(text[i:i + 1])
        self.assertEqual([m.answer(), m.answer()], ["OK", "OK 0x0000000012345678"])
        m.wire.sock.sendall(b"readb 0x5000\n" * 2000)
        self.assertEqual({m.answer() for _ in range(2000)}, {"OK 0x0000000000000078"})

    def test_huge_lines(self):
        m = self.machine()
        data = random.Random(1).randbytes(3 << 20)
        m.write(0x200000, data)
        self.assertEqual(m.read(0x200000, len(data)), data)
        m.command(f"b64write 0x800000 {len(data)} {base64.b64encode(data).decode()}")
        got = m.command(f"b64read 0x800000 {len(data)}")[0]
        self.assertEqual(base64.b64decode(got), data)

    def test_addresses_of_64_bits(self):
        m = self.machine()
        for addr in ("0x100000000", "0xfffffffffffffffc", "0x8000000", "0xdffffff8"):
            m.command(f"writeq {addr} 0x1")
            m.command(f"readq {addr}")
            m.command(f"write {addr} 0x10 0x00")
            m.command(f"read {addr} 0x10")

    def test_memory_is_zero_and_of_the_size_asked_for(self):
        for args, size in (("", 128), ("-m 32M", 32), ("-m 64", 64), ("-m 1G", 1024), ("-m 0.75g", 768),
                           ("-m 0x40", 64), ("-m 0xffffffffffffffff", 3584)):
            m = self.machine(args)
            m.outw(0x510, 3)
            self.assertEqual(bytes(m.inb(0x511) for _ in range(8)),
                             struct.pack("<Q", size << 20))
            self.assertEqual(m.read(0, 4096), bytes(4096))
            top = (size << 20) - 4
            m.command(f"writel {top:#x} 7")
            self.assertEqual(m.number(f"readl {top:#x}"), 7)


class Qmp(Case):
    def test_greeting_and_commands(self):
        m = self.machine()
        self.assertIn("version", m.greeting["QMP"])
        self.assertEqual(m.greeting["QMP"]["capabilities"], [])
        names = [t["name"] for t in m.qmp("qom-list-types", implements="device",
                                          abstract=False)]
        self.assertIn("rtl8139", names)
        self.assertIn("VGA", names)
        self.assertNotIn("cirrus-vga", names)
        self.assertNotIn("isa-serial", names)  # on the board, one more cannot be made
        self.assertTrue(m.qmp("qom-list-types", implements="accel"))
        self.assertIn("pc", [x.get("alias", x["name"]) for x in m.qmp("query-machines")])
        self.assertIn("error", m.ask("getfd"))
        self.assertIsInstance(m.hmp("nonsense"), str)

    def test_probe_run_without_a_machine(self):
        m = self.machine("-machine none")
        self.assertTrue(m.qmp("qom-list-types", implements="device", abstract=False))

    def test_reset(self):
        m = self.machine()
        m.set_cfg(0, 0x59, 0x30, 1)
        m.qmp("system_reset")
        m.event("RESET")
        self.assertEqual(m.cfg(0, 0x59, 1), 0)

    def test_reset_is_told_behind_the_reply(self):
        """And done when the reply is there, before commands that came with it are taken."""
        reset = b'{"execute": "system_reset"}'
        by_human = (b'{"execute": "human-monitor-command", '
                    b'"arguments": {"command-line": "system_reset"}}')
        m = self.machine()
        for asked in (reset, by_human):
            m.set_cfg(0, 0x59, 0x30, 1)
            m.qmp_lines.sock.sendall(asked)
            self.assertIn("return", m.message())
            self.assertEqual(m.cfg(0, 0x59, 1), 0)
            self.assertEqual(m.message()["event"], "RESET")
        m.qmp_lines.sock.sendall(reset + b'{"execute": "query-status"}' + reset)
        got = [m.message() for _ in range(5)]
        self.assertEqual([x.get("event", "reply") for x in got],
                         ["reply", "RESET", "reply", "reply", "RESET"])

    def test_reset_by_the_guest(self):
        m = self.machine()
        m.set_cfg(0, 0x59, 0x30, 1)
        m.outb(0xCF9, 2)
        m.outb(0xCF9, 6)
        m.event("RESET")
        self.assertEqual(m.cfg(0, 0x59, 1), 0)

    def test_media(self):
        m = self.machine(f"-device ide-cd,bus=ide.0,id=cd0")
        iso = self.file(8192, "iso")
        self.assertEqual(m.qmp("blockdev-change-medium", id="cd0", filename=iso, format="raw"),
                         {})
        m.event("DEVICE_TRAY_MOVED") if "DEVICE_TRAY_MOVED" in m.events else None
        self.assertEqual(m.qmp("eject", id="cd0"), {})
        self.assertIn("error", m.ask("eject", id="cd9"))


class Board(Case):
    def test_fixed_functions(self):
        m = self.machine()
        self.assertEqual(m.cfg(0, 0), 0x12378086)
        self.assertEqual(m.cfg(0, 8) >> 16, 0x0600)
        self.assertEqual(m.cfg(IDE, 0), 0x70108086)
        self.assertEqual(m.cfg(0x1F << 3, 0, 2), 0xFFFF)
        self.assertEqual(m.cfg(IDE, 4, 2) & 7, 0)

    def test_host_bridge_defaults(self):
        m = self.machine("-machine pc -smp 1")
        for reg, size, value in ((0x04, 2, 0x0006), (0x06, 2, 0x0280), (0x08, 1, 2),
                                 (0x09, 1, 0), (0x0A, 2, 0x0600), (0x0D, 1, 0), (0x0E, 1, 0),
                                 (0x0F, 1, 0), (0x53, 1, 0x80), (0x57, 1, 0x01),
                                 (0x58, 1, 0x10), (0x59, 1, 0), (0x5A, 2, 0), (0x5C, 4, 0),
                                 (0x60, 1, 1), (0x67, 1, 1), (0x68, 1, 0), (0x70, 1, 0),
                                 (0x71, 1, 0x10), (0x72, 1, 2), (0x90, 1, 0), (0x91, 1, 0),
                                 (0x93, 1, 0)):
            self.assertEqual(m.cfg(0, reg, size), value, hex(reg))
        self.assertEqual(m.cfg(0, 0x50, 2) & 0x8040, 0)

    def test_bars_move(self):
        m = self.machine("-device rtl8139")
        devfn = m.find(RTL)
        self.assertEqual(m.place(devfn, 0, 0xC000), 256)
        m.enable(devfn)
        mac = bytes(m.inb(0xC000 + i) for i in range(6))
        self.assertEqual(mac[:3], bytes([0x52, 0x54, 0]))
        m.place(devfn, 0, 0xC100)
        self.assertEqual(m.inb(0xC000), 0xFF)
        self.assertEqual(m.inb(0xC100), 0x52)
        m.place(devfn, 1, 0xE0000000)
        self.assertEqual(m.read(0xE0000000, 6), mac)

    def test_pam(self):
        m = self.machine()
        areas = [(0x59, 4, 0xF0000, 0x10000)]
        areas += [(0x5A + i // 2, 4 * (i % 2), 0xC0000 + 0x4000 * i, 0x4000) for i in range(12)]
        for reg, shift, base, size in areas:
            def pam(bits):
                m.set_cfg(0, reg, m.cfg(0, reg, 1) & ~(3 << shift) | bits << shift, 1)

            def holds(byte):
                return m.read(base, size) == bytes([byte]) * size

            pam(1)
            self.assertTrue(holds(0), hex(base))
            pam(3)
            m.write(base, b"\x42" * size)
            self.assertTrue(holds(0x42))
            pam(2)
            m.write(base, b"\x82" * size)
            self.assertFalse(holds(0x82))
            pam(1)
            self.assertTrue(holds(0x82))
            m.write(base, b"\x99" * size)
            self.assertTrue(holds(0x82))
            pam(0)
            self.assertFalse(holds(0x82))
            pam(1)
            self.assertTrue(holds(0x82))

    def test_firmware(self):
        rom = random.Random(2).randbytes(65536)
        path = self.file(0, "rom", rom)
        for args in (f"-S -bios {path}", f"-S -drive if=pflash,format=raw,file={path}"):
            m = self.machine(args)
            self.assertEqual(m.read(0xFFFF0000, 65536), rom)
            self.assertEqual(m.read(0xF0000, 65536), rom)
            m.write(0xFFFF0000, b"\0\0")
            m.write(0xF0000, b"\0\0")
            self.assertEqual(m.read(0xFFFF0000, 2), rom[:2])
            self.assertEqual(m.read(0xF0000, 2), rom[:2])

    def test_uuid_is_in_the_firmware_configuration(self):
        for args, want in (("", bytes(16)), ("-uuid 4600cb32-38ec-4b2f-8acb-81c6ea54f2d8",
                           bytes.fromhex("4600cb3238ec4b2f8acb81c6ea54f2d8"))):
            m = self.machine(args)
            m.outw(0x510, 2)
            self.assertEqual(bytes(m.inb(0x511) for _ in range(17)), want + b"\0")
            m.outw(0x510, 0)
            self.assertEqual(bytes(m.inb(0x511) for _ in range(4)), b"QEMU")

    def test_cards(self):
        for args in ("-nic user,model=rtl8139", "-net nic,model=rtl8139 -net user",
                     "-device rtl8139,mac=52:54:00:01:02:03,netdev=n -netdev user,id=n"):
            m = self.machine(f"-nodefaults {args}")
            self.assertEqual(m.find(RTL), 2 << 3)
            m.place(2 << 3, 0, 0xC000)
            m.enable(2 << 3)
            self.assertEqual(m.inb(0xC005), 3 if "mac" in args else 0x56)
        self.assertIsNone(self.machine("-nic none").find(RTL))

    def test_display(self):
        m = self.machine("-vga none -device VGA")
        devfn = m.find(0x11111234)
        self.assertIsNotNone(devfn)
        self.assertEqual(m.place(devfn, 0, 0xE0000000), 16 << 20)
        m.enable(devfn)
        m.write(0xE0000010, b"pixels")
        self.assertEqual(m.read(0xE0000010, 6), b"pixels")
        m.place(devfn, 0, 0xE2000000)
        self.assertEqual(m.read(0xE2000010, 6), b"pixels")
        self.assertEqual(self.machine("-vga none").find(0x11111234), None)

    def cmos(self, m, index):
        m.outb(0x70, index)
        return m.inb(0x71)

    def test_boot_order(self):
        for args, first, then in (("", 0x3012, None), ("-no-fd-bootchk", 0x3112, None),
                                  ("-boot order=c", 0x0002, None), ("-boot nda", 0x1034, None),
                                  ("-boot order=", 0, None), ("-boot once=b", 0x0001, 0x3012),
                                  ("-boot once=d,order=cn", 0x0003, 0x0042)):
            m = self.machine(f"-nodefaults -M pc {args}")
            for want in (first, first if then is None else then):
                got = self.cmos(m, 0x38) << 8 | self.cmos(m, 0x3D)
                self.assertEqual(got, want, args)
                m.qmp("system_reset")

    def test_disk_geometry(self):
        small, large = self.file(2 << 20, "a"), self.file(600 << 20, "b")
        m = self.machine(f"-nodefaults -machine pc -drive if=ide,index=0,format=raw,file={small} "
                         f"-drive if=ide,index=3,format=raw,file={large}")
        self.assertEqual([self.cmos(m, i) for i in (0x12, 0x19, 0x1A)], [0xF0, 47, 0])
        self.assertEqual([self.cmos(m, 0x1B + i) for i in range(9)],
                         [4, 0, 16, 255, 255, 0xC8, 4, 0, 63])
        self.assertEqual(self.cmos(m, 0x39), 1 << 6)
        table = bytearray(512)
        table[446:462] = struct.pack("<BBBBBBBBII", 0x80, 0, 1, 0, 6, 3, 32, 10, 1, 100)
        table[510:] = b"\x55\xaa"
        chs = self.file(2 << 20, "c", bytes(table))
        m = self.machine(f"-nodefaults -drive if=none,id=d,format=raw,file={chs} "
                         "-device ide-hd,drive=d")
        self.assertEqual([self.cmos(m, 0x1B + i) for i in (0, 2, 8)], [32, 4, 32])
        m = self.machine(f"-nodefaults -drive if=none,id=d,format=raw,file={chs} "
                         "-device ide-hd,drive=d,cyls=100,heads=10,secs=20,bios-chs-trans=lba")
        self.assertEqual([self.cmos(m, 0x1B + i) for i in (0, 2, 8)], [100, 10, 20])
        self.assertEqual(self.cmos(m, 0x39), 1)


class Disk(Case):
    def test_identify(self):
        m = self.disk("-global ide-hd.serial=testdisk -global ide-hd.ver=version")
        m.outb(0x1F6, 0)
        m.outb(0x1F7, 0xEC)
        words = []
        for _ in range(256):
            status = m.status()
            self.assertEqual(status & (DRQ | DRDY), DRQ | DRDY)
            self.assertFalse(status & (BSY | DF | ERR))
            words.append(m.inw(0x1F0))
        self.assertTrue(m.lacks(BSY, DF, ERR, DRQ) & DRDY)
        text = struct.pack(">256H", *words)
        self.assertEqual(text[20:40], b"testdisk".ljust(20))
        self.assertEqual(text[46:54], b"version ")
        self.assertTrue(words[85] & 0x20)

    def test_diagnostic_selects_device_0(self):
        a, b = self.file(name="a"), self.file(name="b")
        m = self.machine(
            f"-blockdev driver=file,node-name=hda,filename={a} "
            f"-blockdev driver=file,node-name=hdb,filename={b} "
            "-device ide-hd,drive=hda,bus=ide.0,unit=0 "
            "-device ide-hd,drive=hdb,bus=ide.0,unit=1", Ide)
        m.outb(0x1F6, 0x10)
        m.outb(0x1F7, 0x90)
        status = m.wait(BSY)
        self.assertTrue(status & DRDY)
        self.assertFalse(status & (DF | ERR | DRQ))
        self.assertEqual(m.inb(0x1F6) & 0x10, 0)
        self.assertEqual(m.inb(0x1F1), 1)

    def test_write_and_read_by_dma(self):
        m = self.disk()
        prds = [(DATA, 512 | EOT)]
        for lba, byte in ((0, 0x55), (1, 0xAA), (0, 0x11)):
            m.write(DATA, bytes([byte]) * 512)
            self.assertEqual(m.dma(0xCA, lba, 1, prds), INTR)
            self.assertFalse(m.ended & (DF | ERR))
            m.command(f"memset {DATA:#x} 512 0")
            self.assertEqual(m.dma(0xC8, lba, 1, prds), INTR)
            self.assertEqual(m.read(DATA, 512), bytes([byte]) * 512)
        with open(os.path.join(self.tmp.name, "disk"), "rb") as f:
            self.assertEqual(f.read(1024), b"\x11" * 512 + b"\xaa" * 512)

    def test_tables_of_every_length(self):
        m = self.disk()
        for count in (1, 2, 64, 128, 256):
            for size in (8, 256, 510, 512, 514, count * 512 - 2, count * 512, count * 512 + 2,
                         65536):
                if not 0 < size <= 65536:
                    continue
                want = 0 if size < count * 512 else INTR
                more = ACTIVE if size > count * 512 else 0
                prds = [(DATA, size & 0xFFFF | EOT)]
                self.assertEqual(m.dma(0xC8, 0, count, prds), want | more, (count, size))
                self.assertFalse(m.ended & (DF | ERR))
                self.assertEqual(m.dma(0xC8, 0, count, prds, stop=True), want, (count, size))

    def test_transfers_go_on_by_themselves(self):
        """More than the device moves at a stretch, in two bytes at a time."""
        m = self.disk()
        prds = [(DATA + 4 * i, 2) for i in range(8191)] + [(DATA, 2 | EOT)]
        self.assertEqual(m.dma(0xC8, 0, 32, prds), INTR)

    def test_no_bus_master(self):
        m = self.disk()
        self.assertEqual(m.dma(0xC8, 0, 256, [(0, 0)] * 4096, master=False), ACTIVE | INTR)
        self.assertFalse(m.ended & (DF | ERR))

    def test_trim(self):
        m = self.disk()
        sectors = (64 << 20) // 512

        def trim(*ranges):
            m.write(DATA, b"".join(struct.pack("<Q", lba | n << 48) for lba, n in ranges)
                    .ljust(512, b"\0"))
            return m.dma(0x06, 0, 1, [(DATA, 512 | EOT)], feature=1)

        self.assertEqual(trim((0, 2), (6, 8)), INTR)
        self.assertFalse(m.ended & (DF | ERR))
        self.assertEqual(trim((10, 1), (sectors - 1, 2)), INTR)
        self.assertTrue(m.ended & ERR)
        self.assertTrue(m.inb(0x1F1) & 4)

    def test_native_size_after_a_bad_translation(self):
        path = self.file()
        m = self.machine(f"-blockdev driver=file,node-name=hda,filename={path} "
                         "-device ide-hd,drive=hda,bus=ide.0,unit=0", Ide)
        m.outb(0x1F6, 0x0F)
        m.outb(0x1F2, 0)
        m.outb(0x1F7, 0x91)
        m.outb(0x1F6, 0)
        m.outb(0x1F7, 0xF8)
        m.wait(BSY)
        self.assertEqual(m.inb(0x1F6) & 15, 15)
        self.assertEqual(m.inb(0x1F4) | m.inb(0x1F5) << 8, 129)
        self.assertEqual(m.inb(0x1F3), 63)

    def test_flush_of_nothing(self):
        for args in ("", "-device ide-cd,bus=ide.0"):
            m = self.machine(args, Ide)
            m.outb(0x1F6, 0)
            m.outb(0x1F7, 0xE7)
            m.lacks(BSY)


class Fault(Case):
    def dirty(self, m):
        m.write(DATA, b"\x55" * 512)
        self.assertEqual(m.dma(0xCA, 0, 1, [(DATA, 512 | EOT)]), INTR)

    def flush(self, m):
        m.outb(0x1F6, 0)
        m.outb(0x1F7, 0xE7)
        status = m.status()
        self.assertEqual(status & (BSY | DRDY), BSY | DRDY)
        self.assertFalse(status & (DF | ERR | DRQ))

    def good(self, m):
        status = m.wait(BSY)
        self.assertTrue(status & DRDY)
        self.assertFalse(status & (DF | ERR | DRQ))

    def test_a_flush_held_up(self):
        m = self.machine(f"-drive file=blkdebug::{self.file()},if=ide,cache=writeback,format=raw",
                         Ide)
        self.dirty(m)
        self.assertEqual(m.hmp('qemu-io ide0-hd0 "break flush_to_os A"'), "")
        self.flush(m)
        self.assertIn("Error", m.hmp('qemu-io ide0-hd0 "resume B"'))
        self.assertEqual(m.status() & BSY, BSY)
        self.assertFalse(m.level(14))
        self.assertEqual(m.hmp('qemu-io ide0-hd0 "resume A"'), "")
        self.assertTrue(m.level(14))
        self.good(m)
        self.assertIn("Error", m.hmp('qemu-io ide9-hd0 "resume A"'))

    def test_a_flush_held_up_at_the_end(self):
        m = self.machine(f"-drive file=blkdebug::{self.file()},if=ide,format=raw", Ide)
        m.hmp('qemu-io ide0-hd0 "break flush_to_os A"')
        self.flush(m)  # the program has to end all the same

    def test_a_flush_that_fails_and_is_tried_again(self):
        rules = self.file(0, "rules", b'[inject-error]\nevent = "flush_to_disk"\nerrno = "5"\n'
                          b'state = "1"\nimmediately = "off"\nonce = "on"\n'
                          b'[set-state]\nevent = "flush_to_disk"\nnew_state = "2"\n')
        m = self.machine(f"-drive file=blkdebug:{rules}:{self.file()},if=ide,cache=writeback,"
                         "format=raw,rerror=stop,werror=stop", Ide)
        self.dirty(m)
        self.flush(m)
        m.event("STOP")
        self.assertEqual(m.status() & BSY, BSY)
        m.qmp("cont")
        self.good(m)

    def test_a_flush_that_fails(self):
        rules = self.file(0, "rules", b'[inject-error]\nevent = "flush_to_disk"\nonce = "on"\n')
        m = self.machine(f"-drive file=blkdebug:{rules}:{self.file()},if=ide,format=raw", Ide)
        m.outb(0x1F6, 0)
        m.outb(0x1F7, 0xE7)
        self.assertTrue(m.status() & ERR)
        m.outb(0x1F7, 0xE7)
        self.good(m)

    def test_reset_during_a_slow_discard(self):
        m = self.machine(
            f"-blockdev driver=file,node-name=f,filename={self.file()} "
            "-blockdev blkdebug,node-name=d,image=f,discard=unmap,inject-error.0.event=none,"
            "inject-error.0.iotype=discard,inject-error.0.errno=0,"
            "inject-error.0.delay-ns=200000000 -device ide-hd,drive=d,bus=ide.0", Ide)
        m.write(DATA, struct.pack("<Q", 2 << 48).ljust(512, b"\0"))
        m.write(0x180000, struct.pack("<II", DATA, 512 | EOT))
        m.outl(0xC004, 0x180000)
        m.outb(0x1F1, 1)
        m.registers(0, 1)
        m.outb(0x1F7, 0x06)
        m.outb(0xC000, 1)
        self.assertEqual(m.status() & BSY, BSY)
        m.outb(0x3F6, 4)
        m.outb(0x3F6, 0)
        end = time.monotonic() + WAIT
        while m.inb(0xC002) & (ACTIVE | INTR) != INTR or m.status() & BSY:
            self.assertLess(time.monotonic(), end)
        self.assertFalse(m.status() & ERR)


class Cd(Case):
    def cd(self, blocks):
        self.image = random.Random(blocks).randbytes(blocks * 2048)
        path = self.file(0, "cd.iso", self.image)
        return self.machine(f"-drive if=none,file={path},media=cdrom,format=raw,id=sr0,index=0 "
                            "-device ide-cd,drive=sr0,bus=ide.0", Ide)

    def packet(self, op, blocks, last=0):
        if op == 0xBE:
            return struct.pack(">BBIBHBBB", op, 0, 0, 0, blocks, last, 0, 0)
        return struct.pack(">BBIBHBBB", op, 0, 0, 0, blocks, 0, 0, 0)

    def wait_irq(self, m):
        for _ in range(1000):
            m.command("clock_set 400")
            if m.level(14):
                return
        self.fail("no interrupt")

    def pio(self, m, packet, total):
        m.outb(0x1F6, 0)
        m.outb(0x1F1, 0)
        m.outb(0x1F4, CD_LIMIT & 0xFF)
        m.outb(0x1F5, CD_LIMIT >> 8)
        m.outb(0x1F7, 0xA0)
        status = m.wait(BSY)
        self.assertEqual(status & (DRQ | DRDY), DRQ | DRDY)
        self.assertFalse(status & (ERR | DF))
        for i in range(0, 12, 2):
            m.outw(0x1F0, packet[i] | packet[i + 1] << 8)
        got = b""
        while len(got) < total:
            self.wait_irq(m)
            status = m.wait(BSY)
            self.assertEqual(status & (DRQ | DRDY), DRQ | DRDY)
            self.assertFalse(status & (ERR | DF))
            n = min(CD_LIMIT, total - len(got))
            got += b"".join(struct.pack("<H", m.inw(0x1F0)) for _ in range(n // 2))
        self.wait_irq(m)
        status = m.wait(DRQ)
        self.assertTrue(status & DRDY)
        self.assertFalse(status & (DRQ | ERR | DF | BSY))
        return got

    def test_the_first_packet_reads(self):
        m = self.cd(1)
        self.assertEqual(self.pio(m, self.packet(0x28, 1), 2048), self.image)

    def test_bursts_of_the_byte_count(self):
        m = self.cd(10)
        self.assertEqual(self.pio(m, self.packet(0x28, 10), 20480), self.image)

    def test_whole_sectors(self):
        m = self.cd(5)
        got = self.pio(m, self.packet(0xBE, 5, 0xF8), 5 * 2352)
        for i in range(5):
            sector = got[2352 * i:2352 * (i + 1)]
            self.assertEqual(sector[:12], b"\0" + b"\xff" * 10 + b"\0")
            self.assertEqual(sector[16:16 + 2048], self.image[2048 * i:2048 * (i + 1)])

    def test_dma(self):
        m = self.cd(16)
        status = m.dma(0xA0, prds=[(DATA, 32768 | EOT)], feature=1, packet=self.packet(0x28, 16))
        self.assertEqual(status, INTR)
        self.assertEqual(m.read(DATA, 32768), self.image)

    def test_after_a_reset_too(self):
        m = self.cd(1)
        m.qmp("system_reset")
        m.command("irq_intercept_in ioapic")
        self.assertEqual(self.pio(m, self.packet(0x28, 1), 2048), self.image)


class Rtl8139(Case):
    def setUp(self):
        super().setUp()
        self.m = m = self.machine("-device rtl8139")
        devfn = m.find(RTL)
        self.assertIsNotNone(devfn)
        m.place(devfn, 0, 0xC000)
        m.enable(devfn)
        m.outw(0xC03C, 0)

    def timer(self):
        return self.m.inl(0xC048)

    def arm(self, ticks):
        self.m.outl(0xC054, ticks)

    def zero(self, v=0):
        self.m.outl(0xC048, v)

    def rang(self):
        return bool(self.m.inw(0xC03E) & 0x4000)

    def clear(self):
        self.m.outw(0xC03E, 0x4000)

    def test_counts_and_wraps(self):
        self.arm(0)
        self.clear()
        self.zero(12345)
        now = self.timer()
        self.assertLess(now, CLK // 10)
        wraps = 0
        while wraps < 2:
            self.m.step(10**9)
            before, now = now, self.timer()
            self.assertAlmostEqual((now - before) & 0xFFFFFFFF, CLK, delta=2)
            wraps += now < before
        self.assertFalse(self.rang())

    def test_rings(self):
        self.clear()
        self.arm(1)
        self.zero()
        self.m.step(40)
        self.assertTrue(self.rang())
        self.clear()
        self.assertFalse(self.rang())

    def test_rang_before_a_later_write(self):
        for write in (self.zero, lambda: self.arm(0)):
            self.zero()
            self.arm(0)
            self.clear()
            self.arm(self.timer() + CLK // 2)
            self.m.step(10**9)
            write()
            self.assertTrue(self.rang())

    def test_not_before_it_is_reached(self):
        self.zero()
        self.arm(0)
        self.clear()
        self.arm(CLK // 2)
        self.m.step(4 * 10**8)
        self.zero()
        self.m.step(4 * 10**8)
        self.assertFalse(self.rang())
        self.m.outw(0xC03C, 0x4000)  # there is a deadline to go to
        self.m.command("clock_step")
        self.assertTrue(self.rang())

    def test_rings_again_after_the_wrap(self):
        self.zero()
        self.clear()
        self.arm(CLK // 2)
        self.m.step(10**9)
        self.assertTrue(self.rang())
        self.clear()
        self.m.step(120 * 10**9)
        self.assertFalse(self.rang())
        self.m.step(10 * 10**9)
        self.assertTrue(self.rang())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])

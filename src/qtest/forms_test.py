#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reproducers as bug reports of QEMU have them, in the forms that people write: what
QEMU would run is run, and what is not here is refused by one sentence.

forms_test.py HVMD-QTEST [unittest arguments]
"""
import os
import shlex
import subprocess
import sys
import unittest

PROGRAM = os.path.abspath(sys.argv[1])
WAIT = 30
QTEST = "-qtest stdio -accel qtest -display none"
IDE = "outl 0xcf8 0x80000920\noutl 0xcfc 0xc001\noutl 0xcf8 0x80000904\noutw 0xcfc 0x5\n"


def card(slot):
    return (f"outl 0xcf8 {0x80000010 | slot << 11:#x}\noutl 0xcfc 0xc101\n"
            f"outl 0xcf8 {0x80000004 | slot << 11:#x}\noutl 0xcfc 0x7\n")


# options, lines, and the last answer
RUN = [
    # disks
    ("-M pc -m 512M -nodefaults -nographic -drive file=null-co://,if=none,format=raw,id=disk0 "
     "-device ide-hd,drive=disk0", IDE + "outb 0x1f7 0xec\ninb 0x1f7", "OK 0x0058"),
    ("-machine pc -nodefaults -drive if=none,id=d,file=null-co://,file.read-zeroes=on,format=raw "
     "-device ide-hd,bus=ide.0,unit=0,drive=d,bootindex=0,serial=abc,wwn=0x5000c500a1b2c3d4,"
     "ver=1.0,model=foo,rotation_rate=1", "outb 0x1f7 0xec\ninb 0x1f7", "OK 0x0058"),
    ("-machine pc -nodefaults -blockdev driver=null-co,read-zeroes=on,node-name=null0 "
     "-device ide-cd,drive=null0", "outb 0x1f6 0\noutb 0x1f7 0xa0\ninb 0x1f7", "OK 0x0058"),
    ("-M pc -nodefaults -drive if=ide,id=d,file=null-aio://,format=raw,cache=none,aio=native",
     "outb 0x1f7 0xec\ninl 0x1f0", None),
    ("-M pc -drive file=blkdebug::null-co://,if=ide,index=0,format=raw", "outw 0x1f6 0x20a0", "OK"),
    ("-M pc -drive format=raw,if=ide,media=disk,index=1,file.driver=null-co,file.size=1M,"
     "throttling.bps-total=1000", "outb 0x1f6 0xb0\noutb 0x1f7 0xec\ninb 0x1f7", "OK 0x0058"),
    ("-M pc -hda null-co:// -cdrom null-co:// -monitor none -serial none",
     IDE + "writeq 0x0 0x80020000\noutl 0xc004 0\noutb 0x1f2 1\noutb 0x1f6 0xe0\n"
     "outb 0x1f7 0xc8\noutb 0xc000 9\ninb 0xc002", "OK 0x0005"),
    ("-M pc null-co://", "outb 0x1f7 0xec\ninb 0x1f7", "OK 0x0058"),
    ("-M isapc -m 64 -nodefaults -drive file=null-co://,if=ide,cache=writeback,format=raw",
     "outb 0x1F7 0x20\ninw 0x1F0", "OK 0x0000"),
    ("-M pc -global driver=ide-hd,property=serial,value=abc -hda null-co://", "inb 0x1f7", "OK 0x0050"),
    ("-M pc -nodefaults -drive if=none,id=d,file=null-co://,format=raw -device "
     "ide-drive,drive=d,bus=ide.0,unit=1,serial=abc", "outb 0x1f6 0xb0\noutb 0x1f7 0xec\ninb 0x1f7",
     "OK 0x0058"),
    ("-M pc -nodefaults -blockdev null-co,node-name=n -device ide-drive,drive=n",
     "outb 0x1f7 0xec\ninb 0x1f7", "OK 0x0058"),
    ("-M pc -nodefaults -drive if=none,id=d,media=cdrom,file=null-co:// -device ide-drive,drive=d",
     "outb 0x1f7 0xa1\ninb 0x1f7", "OK 0x0058"),
    # network cards
    ("-machine pc -m 512M -nodefaults -device rtl8139,netdev=net0 -netdev user,id=net0",
     card(2) + "outb 0xc137 0xc\noutl 0xc144 0xf\nwriteq 0x100 0x1\nclock_step 0x10000\ninb 0xc137",
     "OK 0x000d"),
    ("-M pc -nodefaults -device rtl8139,netdev=n -netdev socket,id=n,listen=:12345",
     card(2) + "inl 0xc100", "OK 0x12005452"),
    ("-M pc -nodefaults -device rtl8139,netdev=h -netdev hubport,hubid=1,id=h",
     card(2) + "inl 0xc100", "OK 0x12005452"),
    ("-M pc -nodefaults -device rtl8139,netdev=n,mac=52:54:00:12:34:56 -netdev "
     "tap,id=n,ifname=x,script=no,downscript=no", card(2) + "inl 0xc100", "OK 0x12005452"),
    ("-M pc -nodefaults -device rtl8139,netdev=n -netdev user,id=n -object "
     "filter-dump,id=f,netdev=n,file=/nonexistent/x", card(2) + "inl 0xc100", "OK 0x12005452"),
    ("-M pc -device rtl8139,netdev=n -netdev stream,id=n,server=off,addr.type=unix,addr.path=x",
     card(3) + "inl 0xc100", "OK 0x12005452"),
    ("-M pc -net nic,model=rtl8139 -net user", card(3) + "inl 0xc100", "OK 0x12005452"),
    ("-M pc -nic user,model=rtl8139,mac=52:54:00:11:22:33", card(3) + "inl 0xc100", "OK 0x11005452"),
    ("-M pc -nodefaults -device rtl8139,vlan=1 -net user,vlan=1", card(2) + "inl 0xc100",
     "OK 0x12005452"),
    # screens
    ("-M pc -m 512M -nodefaults -vga std", "outl 0xcf8 0x80001010\noutl 0xcfc 0xe0000000\n"
     "outl 0xcf8 0x80001004\noutw 0xcfc 0x7\nwriteq 0xe0000000 0xdeadbeefcafebabe\n"
     "read 0xe0000000 0x8", "OK 0xbebafecaefbeadde"),
    ("-M pc -vga none -device VGA,edid=off,xmax=1024,ymax=768,refresh_rate=60000,"
     "global-vmstate=on,mmio=on,qemu-extended-regs=on", "outw 0x3c4 0x402", "OK"),
    ("-nographic -M pc -vga std -d guest_errors,unimp -D /dev/null -trace 'vga*'",
     "outw 0x1ce 0x4\noutw 0x1cf 0x41\ninw 0x1cf", "OK 0x0041"),
    # the board
    ("-machine pc,usb=off", "outl 0xcf8 2147483648\ninw 0xcfc", "OK 0x8086"),
    ("-M pc-i440fx-6.2,hpet=off,max-ram-below-4g=2G -m 4G",
     "outl 0xcf8 0x80000070\noutb 0xcfe 0x0a\ninb 0xcfe", "OK 0x000a"),
    ("-machine type=pc,dump-guest-core=off,mem-merge=off,kernel_irqchip=off,memory-backend=m "
     "-object memory-backend-ram,id=m,size=128M", "readq 0x7fffff8", "OK 0x0000000000000000"),
    ("-M pc -smp 2,sockets=1,cores=2,threads=1 -cpu qemu64,+x2apic -no-shutdown -no-reboot "
     "-no-hpet -no-acpi", "outw 0x510 5\ninb 0x511", "OK 0x0002"),
    ("-M pc -action reboot=shutdown,shutdown=pause -overcommit cpu-pm=off -no-user-config "
     "-sandbox on -run-with async-teardown=on -watchdog-action none -smbios type=0 -seed 3 "
     "-mem-prealloc -debugcon null -global isa-debugcon.iobase=0x402 -pidfile /nonexistent/p",
     "outb 0x402 65", "OK"),
    ("-M pc -chardev null,id=n -serial chardev:n -monitor null -parallel none -qmp none",
     "inb 0x3fd", "OK 0x0060"),
    ("-M pc,vmport=off,i8042=on -k en-us", "outb 0x64 0xd2\noutb 0x60 0x01\ninb 0x60", "OK 0x0001"),
    ("-M pc", "outb 0x64 0xd4\noutb 0x60 0xe9\ninb 0x60", "OK 0x00fa"),
    ("-M pc", "outb 0x3f5 0x08\nwrite 0x6 0x1 0x1\noutw 0x3f4 0x2500\ninb 0x3f4", "OK 0x00ff"),
    ("-M pc -nodefaults -device isa-serial,id=s,index=0,iobase=0x3f8,irq=4", "inb 0x3fd", "OK 0x0060"),
    ("-M pc -serial none -device isa-serial", "inb 0x3fd", "OK 0x0060"),
    ("-M pc -chardev null,id=c -device isa-serial,chardev=c", "outb 0x3f8 65\ninb 0x3fd", "OK 0x0060"),
    ("-M pc -nodefaults -device isa-parallel,index=0,iobase=888,irq=7", "outb 0x378 0x5a\ninb 0x378",
     "OK 0x005a"),
    ("-M pc -device i8042", "outb 0x64 0xd2\noutb 0x60 0x01\ninb 0x60",
     "OK 0x0001"),
    ("-M pc -enable-kvm -icount shift=auto -mem-path /nonexistent -balloon none -m 1.5G",
     "writel 0x5ffffffc 7\nreadl 0x5ffffffc", "OK 0x0000000000000007"),
    ("--machine pc --nodefaults", "inb 0xCF8", "OK 0x00ff"),
    # lines
    ("-M pc", "outb 128 1\noutb 0200 01\noutb 0X80 0XFF\noutl 0xcf8 0xffffffffffffffff\n"
     "outl 0xcf8 -1\noutb +128 1\ninl 0xcf8", None),
    ("-M pc", "b64write 0x100 8 AAECAwQFBgc=\nmemset 0x100 0x4 0xff\nread 0x100 0x8",
     "OK 0xffffffff04050607"),
    ("-M pc", "write 0x0 0x3 0x0011\nwrite 0x0 0x1 0x001122\nwrite 0x0 0x2 0xABC\nread 0x0 0x4",
     "OK 0xab000000"),
    ("-M pc", "irq_intercept_in ioapic\nirq_intercept_in ioapic\nset_irq_in ioapic x 4 1",
     "IRQ raise 4\nOK"),
    ("-M pc", "clock_set 1000\nclock_set 1000\nclock_step 0x3b9aca00\nendianness", "OK little"),
    ("-M pc -nodefaults -device rtl8139", card(2) + "outw 0xc13c 0x4000\noutl 0xc154 1000\noutl 0xc148 0\nclock_step",
     "OK 30000"),
    ("-M pc", "writeq 0xfee00000 0x1\nwriteb 0xffffffffffffffff 1\nreadq 0xfffffffffffffffc", None),
]

# lines that QEMU ends at or knows nothing of: answered, and on it goes
ODD = ["  outb 0x80 0x1", "outb  0x80 0x1", "\toutb 0x80 0x1", "# comment", "outb 0x80",
       "read 0x0 0x0", "writel zero 1", "irq_intercept_in /machine/unattached/device[1]",
       "clock_step -5x", "qom-get x", "EOF"]

REFUSED = [
    "-machine q35 -nodefaults", "-M pc -device piix3-usb-uhci,id=uhci,addr=1d.0", "-M microvm",
    "-M pc -device usb-ehci", "-M pc -usb -usbdevice tablet", "-M pc -device cirrus-vga",
    "-M pc -vga cirrus", "-M pc -vga qxl", "-M pc -device floppy,id=f",
    "-M pc -drive if=floppy,file=null-co://,format=raw", "-M pc -fda null-co://",
    "-M pc -device piix3-ide", "-M pc -device ide-cf,drive=x", "-M pc -device pci-bridge,chassis_nr=1",
    "-M pc -device sb16", "-M pc -device isa-debug-exit", "-M pc -device isa-vga",
    "-M pc -drive file=null-co://,if=virtio,format=raw", "-M pc -daemonize",
    "-M pc -device isa-serial -device isa-serial", "-M pc -serial null -device isa-serial",
    "-M pc -device isa-serial,index=1", "-M pc -device isa-serial,iobase=0x2f8",
    "-M pc -device isa-serial,irq=3", "-M pc -device isa-parallel -device isa-parallel",
    "-M pc -device isa-parallel,iobase=0x278",
    "-M pc -device i8042 -device i8042", "-M pc -device i8042,aux=off", "-M pc -device ide-drive",
    "-M pc -balloon x", "-M pc -balloon virtio,addr=1", "-m 1.5", "-m 1.5x", "-m 0x1.8G",
    "-m 1.5.5G",
    "-M pc -device rtl8139,addr=1", "-M pc -device rtl8139,addr=2", "-M pc -device rtl8139,addr=5.1",
    "-M pc -device rtl8139,addr=20", "-M pc -device rtl8139,addr=x",
    "-M pc -device rtl8139,addr=5 -device rtl8139,addr=5",
    "-M pc -hda null-co:// null-co://", "-M pc -qtest chardev:none",
]


class Forms(unittest.TestCase):
    def play(self, options, text):
        words = shlex.split(f"{QTEST} {options}")
        return subprocess.run([PROGRAM, *words], input=text, text=True, capture_output=True,
                              timeout=WAIT)

    def test_reproducers_run(self):
        for options, text, last in RUN:
            r = self.play(options, text)
            self.assertEqual((r.returncode, r.stderr), (0, ""), options)
            answers = [line for line in r.stdout.splitlines() if not line.startswith("IRQ")]
            self.assertEqual(len(answers), text.count("\n") + 1, options)
            self.assertTrue(all(a.startswith("OK") for a in answers), (text, answers))
            if last:
                self.assertTrue(r.stdout.endswith(last + "\n"), (options, text, r.stdout, last))

    def test_odd_lines_are_answered(self):
        r = self.play("-M pc", "\n".join(ODD) + "\ninb 0x80\n")
        self.assertEqual(r.returncode, 0)
        answers = r.stdout.splitlines()
        self.assertEqual(len(answers), len(ODD) + 1)
        self.assertTrue(all(a.startswith("FAIL ") for a in answers[:-1]), answers)
        self.assertTrue(answers[-1].startswith("OK "))

    def test_what_is_not_here_is_refused(self):
        for options in REFUSED:
            r = self.play(options, "inb 0\n")
            self.assertEqual((r.returncode, r.stdout), (1, ""), options)
            self.assertEqual(r.stderr.count("\n"), 1, r.stderr)
            self.assertTrue(r.stderr.startswith("hvmd-qtest: "), r.stderr)

    def test_nodes_that_no_disk_has(self):
        for options in ("-blockdev driver=null-co,node-name=a,read-zeroes=on",
                        "-blockdev node-name=a,driver=raw,file.driver=null-co "
                        "-blockdev null-co,node-name=b -device ide-hd,drive=b",
                        "-drive if=none,id=a,file=null-co://,format=raw"):
            r = self.play(options, "inb 0x1f7\n")
            self.assertEqual((r.returncode, r.stderr), (0, ""), options)
        r = self.play("-blockdev null-co,node-name=b,colour=red -device ide-hd,drive=b", "")
        self.assertEqual(r.stderr, "hvmd-qtest: -blockdev: 'colour' is not known here\n")

    def test_slots_are_those_of_qemu(self):
        """A card's place in a report is that of the report's machine."""
        for options, where in (
                ("-nodefaults -device rtl8139", {2: "N"}),
                ("-nodefaults -device rtl8139,addr=3", {3: "N"}),
                ("-nodefaults -device rtl8139,addr=1f.0 -device rtl8139", {31: "N", 2: "N"}),
                ("-nodefaults -device rtl8139,addr=0x10", {16: "N"}),
                ("-nodefaults -device rtl8139 -device VGA", {2: "N", 3: "V"}),
                ("-nodefaults -device VGA,addr=9 -device rtl8139", {9: "V", 2: "N"}),
                ('-nodefaults -device \'{"driver":"rtl8139","addr":"5","id":"n0"}\'', {5: "N"}),
                ("-nodefaults -device rtl8139 -balloon virtio -device rtl8139", {2: "N", 4: "N"}),
                ("-nodefaults -balloon virtio,addr=2 -device rtl8139", {3: "N"}),
                ("-device rtl8139", {2: "V", 4: "N"}),  # behind the card that is there by default
                ("-device rtl8139 -nic none", {2: "V", 3: "N"}),
                ("-device rtl8139,netdev=n -netdev user,id=n", {2: "V", 3: "N"}),
                ("-nic user -device rtl8139", {2: "V", 4: "N"}),
                ("-nic user,model=rtl8139 -device rtl8139", {2: "V", 3: "N", 4: "N"}),
                ("-net nic,model=rtl8139 -net user", {2: "V", 3: "N"}),
                ("-vga none -device rtl8139 -device VGA", {3: "N", 4: "V"})):
            text = "".join(f"outl 0xcf8 {0x80000000 | slot << 11:#x}\ninl 0xcfc\n"
                           for slot in range(2, 32))
            r = self.play(options, text)
            self.assertEqual(r.stderr, "")
            ids = {n + 2: a for n, a in enumerate(r.stdout.splitlines()[1::2])}
            got = {n: {"OK 0x813910ec": "N", "OK 0x11111234": "V"}[a] for n, a in ids.items()
                   if a != "OK 0xffffffff"}
            self.assertEqual(got, where, options)

    def test_qtest_by_a_chardev(self):
        r = subprocess.run([PROGRAM, "-qtest", "chardev:c0", "-chardev", "stdio,id=c0"],
                           input="endianness\n", text=True, capture_output=True, timeout=WAIT)
        self.assertEqual((r.returncode, r.stdout, r.stderr), (0, "OK little\n", ""))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])

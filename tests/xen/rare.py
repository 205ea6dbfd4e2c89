# SPDX-License-Identifier: GPL-2.0-or-later
"""What few guests and hosts ask for: sleep, disk addresses as DOS has them, and a dom0
kernel that cannot map Xen's resources."""
import os
import time

import guest as g
from bed import DM, new, note, want


def sleep():
    """S3: the guest sleeps, is woken by "xl trigger", and goes on with screen, keyboard
    and disk as they were."""
    x = new('sleep')
    # plain HVM: how PV drivers and the PV clock fare is the kernel's affair
    x.config['disk'] = [x.image('linux.img', cmdline='t=none xen_nopv no_console_suspend') + ',raw,hda,rw']
    x.create()
    x.wait_serial('@READY', 150)
    x.login()
    total = 'dd if=/dev/sda bs=64k count=128 iflag=direct 2>/dev/null | sha256sum | cut -c1-16'
    before = x.command('echo sum=$(%s)' % total, 'sum=([0-9a-f]{16})')[1]
    x.vnc.type('echo mem > /sys/power/state; echo awake $((6*7)); echo 3 > /proc/sys/vm/drop_caches\n')
    g.wait(lambda: 'guest suspend to RAM' in x.dm_log(), 60, 'the guest does not go to sleep')
    time.sleep(2)
    x.check(console=True)
    x.screen()
    x.shot('sleep-asleep')
    g.run('xl', 'trigger', x.name, 's3resume')
    x.wait_screen('awake 42', 90)
    want('sum of the disk after waking', x.command('clear; echo sum=$(%s)' % total, 'sum=([0-9a-f]{16})')[1], before)
    x.shot('sleep-awake')
    x.vnc.type('poweroff -f\n')
    g.wait(lambda: x.current() is None, 40, 'the domain does not go')


def geometry():
    """A BIOS guest that goes by cylinder, head and sector reads beyond 504 MiB."""
    x = new('geometry')
    path, lba, heads = x.dir + '/disk', 1500000, 64
    sector = bytearray(open(g.IMAGES + '/chs.img', 'rb').read())
    cylinder, rest = divmod(lba, heads * 63)
    sector[0x1b0:0x1b4] = bytes((rest % 63 + 1 | cylinder >> 2 & 0xc0, cylinder & 0xff, 0x80, rest // 63))
    with open(path, 'wb') as f:
        f.write(sector)
        f.seek(lba * 512)
        f.write(b'@HERE at %d\n' % lba)
        f.truncate(3 << 29)
    x.config['disk'] = [path + ',raw,hda,rw']
    x.create()
    text = x.wait_serial('@GEOMETRY ([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})', 60)
    want('heads and sectors of a disk of 1.5 GiB', (int(text[1], 16) + 1, int(text[3], 16) & 63), (heads, 63))
    x.wait_serial('@HERE at %d' % lba, 20)


def old_kernel():
    """The ioreq pages by frame numbers, as kernels before 4.18 have it."""
    x = new('old-kernel', vcpus=2)
    library, wrapper = x.dir + '/no_resource.so', x.dir + '/hvmd'
    source = os.path.dirname(os.path.abspath(__file__)) + '/no_resource.c'
    g.run('gcc', '-shared', '-fPIC', '-O1', '-o', library, source)
    with open(wrapper, 'w') as f:
        f.write('#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' % (library, g.device_model(DM)))
    os.chmod(wrapper, 0o755)
    x.config['device_model_override'] = wrapper
    x.config['disk'] = [x.image('linux.img', cmdline='t=none') + ',raw,hda,rw']
    x.create()
    want('refused by the preloaded library', 'no_resource: refused' in x.dm_log(), True)
    x.wait_serial('@READY', 150)
    x.login()
    x.command('dd if=/dev/sda of=/dev/null bs=64k count=64; echo read $((6*7))', 'read 42')
    exe = os.readlink('/proc/%d/exe' % x.pid)
    note('served by %s' % os.path.basename(exe))


TESTS = (sleep, geometry, old_kernel)

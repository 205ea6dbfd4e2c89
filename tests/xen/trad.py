# SPDX-License-Identifier: GPL-2.0-or-later
"""hvmd in the place of qemu-dm: libxl's own path for qemu-xen-traditional, its command
line, and the commands and answers in xenstore."""
import ctypes
import mmap
import os
import re
import struct

import guest as g
from bed import DM, fixture, new, note, want
from guest import Failed

SEABIOS = '/usr/share/seabios/bios-256k.bin'
MODULE = 64 << 20  # where in the guest's memory the BIOS image is put
START_MAGIC = 0x336ec578  # xen/include/public/arch-x86/hvm/start_info.h


def start(name, **config):
    """A guest of device_model_version qemu-xen-traditional. libxl insists on ROMBIOS
    for those, and Debian's hvmloader was built without it; see launch()."""
    x = new(name, device_model_version='qemu-xen-traditional', bios='rombios', vga='cirrus', videoram=4, **config)
    link = x.dir + '/qemu-dm'
    os.symlink(g.device_model(DM), link)
    x.config['device_model_override'] = link
    return x


class Memory:
    """A guest's memory, mapped by libxenforeignmemory."""

    def __init__(self, domid):
        self.lib = ctypes.CDLL('libxenforeignmemory.so.1', use_errno=True)
        self.lib.xenforeignmemory_open.restype = ctypes.c_void_p
        self.lib.xenforeignmemory_map.restype = ctypes.c_void_p
        self.handle = ctypes.c_void_p(self.lib.xenforeignmemory_open(None, 0))
        self.domid = domid

    def page(self, frame):
        """That page as a writable array of bytes; None: there is no memory."""
        frames = (ctypes.c_uint64 * 1)(frame)
        at = self.lib.xenforeignmemory_map(self.handle, ctypes.c_uint32(self.domid), mmap.PROT_READ | mmap.PROT_WRITE,
                                           ctypes.c_size_t(1), frames, None)
        return (ctypes.c_char * 4096).from_address(at) if at else None

    def unmap(self, page):
        self.lib.xenforeignmemory_unmap(self.handle, ctypes.byref(page), ctypes.c_size_t(1))

    def write(self, address, data):
        for i in range(0, len(data), 4096):
            page, part = self.page((address + i) >> 12), data[i:i + 4096]
            if page is None:
                raise Failed('the guest has no memory at 0x%x' % (address + i))
            page[:len(part)] = part
            self.unmap(page)


def give_bios(domid):
    """Gives a paused guest SeaBIOS, as libxl does for qemu-xen: the image as a module
    that hvmloader finds by its start info, and the word for it in xenstore."""
    memory, image = Memory(domid), open(SEABIOS, 'rb').read()
    entry = struct.pack('<4Q', MODULE + 4096, len(image), MODULE + 64, 0)
    memory.write(MODULE, entry.ljust(64, b'\0') + b'firmware\0')
    memory.write(MODULE + 4096, image)
    for frame in range(0x100, 0x1000):
        page = memory.page(frame)
        if page is not None and struct.unpack_from('<I', page[:4])[0] == START_MAGIC:
            page[12:24] = struct.pack('<IQ', 1, MODULE)
            break
        if page is not None:
            memory.unmap(page)
    else:
        raise Failed('the guest has no start info')
    g.run('xenstore-write', '/local/domain/%d/hvmloader/bios' % domid, 'seabios')


def launch(x):
    x.create(paused=True)
    give_bios(x.domid)
    g.run('xl', 'unpause', x.name)


def dm(x, node, value=None):
    """Reads or writes a node of the device model."""
    path = '/local/domain/0/device-model/%d/%s' % (x.domid, node)
    return g.xenstore(path) if value is None else g.run('xenstore-write', path, value)


def command(x, word, state):
    dm(x, 'command', word)
    g.wait(lambda: dm(x, 'state') == state, 20, 'the command "%s" makes the state not "%s"' % (word, state), 0.05)


def arguments(x):
    return open('/proc/%d/cmdline' % x.pid).read().split('\0')[:-1]


def trad():
    """The classic command line: Linux from an IDE disk to its prompt on a screen with a
    password, 64 MiB read and written; the CD changed; save and restore."""
    x = start('trad', maxvcpus=2, vncpasswd='classic', serial='pty', vif=['bridge=xenbr0,model=rtl8139'])
    hda, hdb = x.image('linux.img', cmdline='t=disk'), x.image('data.img')
    x.config['disk'] = [hda + ',raw,hda,rw', hdb + ',raw,hdb,rw', '%s/cd.iso,raw,hdc:cdrom,r' % g.IMAGES]
    launch(x)
    argv = arguments(x)
    note(' '.join(argv[1:]))
    want('the first words', [os.path.basename(argv[0])] + argv[1:5], ['qemu-dm', '-d', str(x.domid), '-domain-name', 'trad'])
    x.wait_screen('login:', 240)
    want('the checksum on the screen', '@READ ' + fixture('big.sha256') in x.screen(), True)
    x.shot('trad-login')
    want('serial/0/tty', g.xenstore('/local/domain/%d/serial/0/tty' % x.domid).startswith('/dev/pts/'), True)
    want('threads, with a viewer and idle disks', len(os.listdir('/proc/%d/task' % x.pid)) <= 3, True)
    x.login()
    x.command('clear; head -c 65536 /dev/sr0 | sha256sum', head('cd.iso'))
    g.run('xl', 'cd-insert', x.name, 'hdc', g.IMAGES + '/memtest.iso')
    x.command('clear; head -c 65536 /dev/sr0 | sha256sum', head('memtest.iso'))
    g.run('xl', 'cd-eject', x.name, 'hdc')
    x.command('clear; head -c 1 /dev/sr0; echo over', 'No medium found(?s:.*)over')
    commands(x)
    hand_over(x)


def head(image):
    with open('%s/%s' % (g.IMAGES, image), 'rb') as f:
        return g.sha256(f.read(65536))


def commands(x):
    """save and continue, PCI devices, log-dirty, as toolstacks write them."""
    saved = '/var/lib/xen/qemu-save.%d' % x.domid
    g.run('xl', 'pause', x.name)
    command(x, 'save', 'paused')
    note('%d bytes of state' % os.path.getsize(saved))
    command(x, 'continue', 'running')
    g.run('xl', 'unpause', x.name)
    x.command('clear; echo on $((6*7))', 'on 42')
    for word, answer in (('pci-ins', 'pci-insert-failed'), ('pci-rem', 'pci-removed')):
        command(x, word, answer)
    for word in ('enable', 'disable'):
        dm(x, 'logdirty/cmd', word)
        g.wait(lambda w=word: dm(x, 'logdirty/ret') == w, 10, 'no echo of logdirty "%s"' % word, 0.05)
    os.unlink(saved)
    x.command('clear; ls -d /sys/devices/system/cpu/cpu?', 'cpu0')
    want('the second CPU', 'cpu1' in x.screen(), False)
    g.run('xl', 'vcpu-set', x.name, '2')
    x.command('clear; sleep 1; ls -d /sys/devices/system/cpu/cpu?', 'cpu1')


def numbers(x):
    return [int(n) for n in re.findall(r'^number (\d+)$', x.screen(), re.M)]


def save_and_restore(x):
    g.run('xl', 'save', x.name, x.dir + '/state', timeout=150)
    g.run('xl', 'restore', x.dir + '/state', timeout=150)
    os.unlink(x.dir + '/state')


def migrate(x):
    g.run('xl', 'migrate', '-s', '', x.name, 'xl migrate-receive', timeout=200)


def hand_over(x):
    """By way of qemu-dm's commands; the guest counts on."""
    x.vnc.type('clear; i=0; while :; do i=$((i+1)); echo number $i; sleep 1; done\n')
    g.wait(lambda: len(numbers(x)) > 3, 60, 'the guest counts not')
    for way in (save_and_restore, migrate):
        lives_on(x, way)
    x.shot('trad-after')


def lives_on(x, way):
    last, old = numbers(x)[-1], x.domid
    x.disconnect()
    way(x)
    x.find()
    want('another domain', x.domid != old, True)
    want('-loadvm', '-loadvm' in arguments(x), True)
    g.wait(lambda: numbers(x) and numbers(x)[-1] > last, 60, 'the guest counts not on')
    seen = numbers(x)
    want('numbers in a row', seen, list(range(seen[0], seen[0] + len(seen))))
    note('%s: from %d on' % (way.__name__, last))


TESTS = (trad,)

# SPDX-License-Identifier: GPL-2.0-or-later
"""PV drivers take over: a Linux guest whose kernel unplugs the emulated disks and cards,
and the same guest told not to. Whether data come through unharmed, and what the device
model costs from then on."""
import glob
import os
import re
import socket
import subprocess
import threading
import time

import guest as g
from bed import PEER, cd, fixture, new, note, want
from guest import Failed

HERE, MAC = '192.168.77.1', '00:16:3e:50:56:01'
GET, PUT = 9011, 9012
IDLE_S = 60

PRELUDE = '''
gw=%s
fail() { say "ERROR $*"; while :; do sleep 60; done; }
await() { # await SECONDS COMMAND...
    n=$(($1 * 10))
    shift
    until "$@" > /dev/null 2>&1; do
        n=$((n - 1))
        [ $n -gt 0 ] || fail "in vain: $*"
        usleep 100000
    done
}
seen() { # what there is of disks, CD drives and cards
    say "DISKS $(ls /sys/class/block | grep -v '^loop\\|^ram' | tr '\\n' ' ')"
    say "PCI $(cat /sys/bus/pci/devices/*/vendor | sort | uniq -c | awk '{print $2 "*" $1}' | tr '\\n' ' ')"
    say "NETS $(for d in /sys/class/net/eth*; do readlink -f $d/device/driver | sed 's/.*.drivers.//'; done | tr '\\n' ' ')"
    say "MAGIC $(pvtool magic)"
}
cd_read() {
    mkdir -p /c && mount -t iso9660 -o ro "$(dev hdd)" /c || fail "mount of the CD"
    say "$1 $(sum /c/big)"
    umount /c
}
net_up() {
    await 20 [ -e /sys/class/net/eth0 ]
    ip addr add 192.168.77.50/24 dev eth0
    ip link set eth0 up
    await 30 ping -c 1 -W 1 $gw
}
''' % HERE

PV = PRELUDE + '''
await 20 [ -b /dev/xvdc2 ]
seen
mkdir /m && mount -t ext4 /dev/xvdc2 /m || fail "mount of xvdc2"
if [ ! -e /m/rebooted ]; then
    # a root on the PV disk: a program of it, run inside it
    mkdir -p /m/bin && cp /bin/busybox /m/bin/
    touch /m/rebooted
    sync
    umount /m
    say "REBOOT"
    reboot -f
fi
say "READ $(chroot /m /bin/busybox sha256sum /big | cut -d' ' -f1)"
{ tail -c 33554432 /m/big && head -c 33554432 /m/big; } > /m/back || fail "write"
umount /m && say "WROTE"
cd_read CD
net_up
nictool get $gw 9011 > /tmp/big || fail "nictool get"
say "FETCHED $(sum /tmp/big)"
nictool put $gw 9012 < /tmp/big || fail "nictool put"
# again, as after kexec, while a CD is read
pvtool unplug 3 && pvtool unplug 7 && pvtool unplug 0xffff
cd_read AGAIN
mount -t ext4 /dev/xvdc2 /m || fail "second mount of xvdc2"
say "BACK $(sum /m/back)"
umount /m
seen
rm /tmp/big
say "DONE"
'''

NEVER = PRELUDE + '''
seen
mkdir /m && mount -t ext4 "$(dev hdc 2)" /m || fail "mount of hdc2"
say "READ $(sum /m/big)"
umount /m
cd_read CD
say "DONE"
'''


class Server:
    """The file "big" by TCP, both ways; limit: seconds that one transfer may take."""

    def __init__(self, limit=60):
        self.limit = limit

    def __enter__(self):
        self.big, self.put, self.sockets = open(g.IMAGES + '/big', 'rb').read(), [], []
        for port, serve in ((GET, self.send), (PUT, self.take)):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((HERE, port))
            s.listen(2)
            self.sockets.append(s)
            threading.Thread(target=self.listen, args=(s, serve), daemon=True).start()
        return self

    def listen(self, listener, serve):
        while True:
            try:
                s = listener.accept()[0]
            except OSError:
                return
            s.settimeout(self.limit)
            try:
                serve(s)
            except OSError as e:
                self.put.append(str(e))
            s.close()

    def send(self, s):
        s.sendall(self.big)

    def take(self, s):
        # into place by the kernel: what this process copies by vector registers while the
        # PV back end is busy, the emulated CPU may get wrong, whatever the device model
        data, at = bytearray(len(self.big) + 1), 0
        while True:
            n = s.recv_into(memoryview(data)[at:])
            if not n:
                break
            at += n
        del data[at:]
        wrong = [i for i in range(0, len(data), 512) if data[i:i + 512] != self.big[i:i + 512]]
        self.put.append(data == self.big or '%d bytes, in %d pieces of 512 others than sent, the first at %s' % (
            len(data), len(wrong), wrong[:4]))

    def __exit__(self, *a):
        for s in self.sockets:
            s.shutdown(socket.SHUT_RDWR)  # a thread waits in it
            s.close()


def threads(pid):
    """Of each thread: voluntary and other context switches, and ns on a CPU."""
    out = {}
    for t in glob.glob('/proc/%d/task/*' % pid):
        s = open(t + '/status').read()
        out[os.path.basename(t)] = (int(re.search(r'\nvoluntary_ctxt_switches:\s+(\d+)', s)[1]),
                                    int(re.search(r'\nnonvoluntary_ctxt_switches:\s+(\d+)', s)[1]),
                                    int(open(t + '/schedstat').read().split()[0]))
    return out


def chatter():
    """Frames that a bridge floods to all its ports."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for _ in range(50):
            s.sendto(b'?', ('192.168.77.255', 9))
            time.sleep(0.1)


def cost(x, seconds, meanwhile=None):
    """What all threads of the device model took while nobody asked for anything: context
    switches and ns. A thread that came or went counts as one of each."""
    a = threads(x.pid)
    end = time.monotonic() + seconds
    if meanwhile:
        meanwhile()
    time.sleep(max(0, end - time.monotonic()))
    b = threads(x.pid)
    switches = sum(sum(b[t][:2]) - sum(a[t][:2]) for t in a if t in b) + len(set(a) ^ set(b))
    return switches, sum(b[t][2] - a[t][2] for t in a if t in b) + len(set(a) ^ set(b)), len(b)


def memory(pid):
    """PSS and private memory, in KiB."""
    m = dict(re.findall(r'^(\w+):\s+(\d+) kB', open('/proc/%d/smaps_rollup' % pid).read(), re.M))
    return int(m['Pss']), int(m['Private_Dirty']), int(m['Private_Clean'])


def start(name, script, cmdline=None, paused=False, **config):
    # router solicitations by dom0's interfaces would be frames for the emulated card
    for which in ('all', 'default'):
        with open('/proc/sys/net/ipv6/conf/%s/disable_ipv6' % which, 'w') as f:
            f.write('1')
    x = new(name, memory=320, vif=['mac=%s,bridge=xenbr0,model=rtl8139' % MAC], **config)
    data = x.image('data.img')
    x.config['disk'] = [x.image('pv.img', cmdline=cmdline) + ',raw,hda,rw', x.script(script) + ',raw,hdb,rw',
                        data + ',raw,hdc,rw', cd('cd.iso', 'hdd')]
    x.create(paused)
    return x, data


def asked(x):
    """What the guest has asked for so far: requests, accesses by device and kind, and
    frames that came for it."""
    s = x.qmp('query-hvmd-stats')
    out = dict(s['ioreqs'])
    for n in s['nics']:
        out['frames for %s' % n['id']] = n['rx-frames'] + n['rx-filtered'] + n['dropped']
    for d in s['devices']:
        for kind, n in d.items():
            if re.search('-(reads|writes)$', kind):
                out['%s %d %s' % (d['name'], d['instance'], kind)] = n
    return out


def idle(x, what, meanwhile=None):
    """The guest is at its prompt and no viewer is there."""
    x.disconnect()
    time.sleep(15)  # worker threads of either device model have ended by then
    before = None if PEER else asked(x)
    time.sleep(1)
    switches, ns, n = cost(x, IDLE_S, meanwhile)
    if not PEER:
        now = asked(x)
        want('what the guest asked for, so that nothing is proved',
             {key: now[key] - before[key] for key in now if now[key] != before[key]}, {})
    pss, dirty, clean = memory(x.pid)
    note('%s, %d s: %d context switches, %.3f ms of CPU, %d threads; PSS %d KiB, private dirty %d KiB, clean %d KiB' % (
        what, IDLE_S, switches, ns / 1e6, n, pss, dirty, clean))
    return switches, ns, n, dirty


def open_files(x):
    """What of the guest's own the device model holds open."""
    held = [os.readlink(f) for f in glob.glob('/proc/%d/fd/*' % x.pid)]
    return sorted(os.path.basename(f) for f in held if '/guests/' in f or f.startswith('/dev/net/tun'))


def pv():
    """PV drivers: disks by blkfront with a program run from one, a file written and
    checked, a card by netfront, a CD by IDE, a reboot, unplugging again; then nothing."""
    with Server() as server:
        x, data = start('pv', PV, on_reboot='restart')
        first = x.domid
        x.wait_serial('@REBOOT', 150)
        g.wait(lambda: x.current() not in (None, first), 60, 'no new domain after the reboot')
        g.wait(lambda: g.xenstore('/local/domain/%d/console/vnc-port' % x.current()).isdigit(), 60,
               'no VNC port after the reboot')
        x.find()
        want('checksum by blkfront', x.wait_serial(r'@READ (\w+)', 240)[1], fixture('big.sha256'))
        want('disks', x.wait_serial('@DISKS (.*)', 5)[1].split(),
             ['sr0', 'xvda', 'xvdb', 'xvdc', 'xvdc1', 'xvdc2'])
        x.wait_serial('@WROTE', 120)
        want('checksum of the CD', x.wait_serial(r'@CD (\w+)', 120)[1], fixture('big.sha256'))
        want('checksum by netfront', x.wait_serial(r'@FETCHED (\w+)', 120)[1], fixture('big.sha256'))
        want('checksum of the CD after all', x.wait_serial(r'@AGAIN (\w+)', 120)[1], fixture('big.sha256'))
        want('checksum of what was written', x.wait_serial(r'@BACK (\w+)', 120)[1], fixture('back.sha256'))
        x.wait_serial('@DONE', 30)
        want('file that came up by netfront', server.put, [True])
    want('emulated cards', '0x10ec' in x.wait_serial('@PCI (.*)', 5)[1], False)
    want('cards', x.wait_serial('@NETS (.*)', 5)[1].split(), ['vif'])
    if PEER:
        idle(x, 'stepped aside')
        return
    want('files held open', open_files(x), ['cd.iso', 'serial'])
    taps = subprocess.run(['ip', '-o', 'link', 'show'], stdout=subprocess.PIPE, text=True, check=True).stdout
    want('taps', re.findall(r'vif%d\.\d+-emu' % x.domid, taps), [])
    journal = [line for line in x.dm_log().splitlines() if 'unplug' in line]
    note(' / '.join(journal))
    want('unplugs told', len(journal), 4)
    if not re.search('linux drivers.* takes hda hdb hdc nics', journal[0]):
        raise Failed('the log says: %s' % journal[0])
    switches, ns, n, dirty = idle(x, 'stepped aside')
    want('context switches, ns of CPU, threads', (switches, ns, n), (0, 0, 1))
    if dirty > 3072:
        raise Failed('%d KiB private dirty' % dirty)


def pv_never():
    """The same guest told to unplug nothing: the emulated disks serve it, and while it is
    idle and nobody looks the device model does nothing either, though there is talk on the
    bridge: its card is not in use."""
    x, _ = start('pv-never', NEVER, cmdline='xen_emul_unplug=never')
    disks = x.wait_serial('@DISKS (.*)', 150)[1].split()
    want('disks', [d for d in disks if d.startswith('xvd')], [])
    want('checksum by IDE', x.wait_serial(r'@READ (\w+)', 150)[1], fixture('big.sha256'))
    want('checksum of the CD', x.wait_serial(r'@CD (\w+)', 150)[1], fixture('big.sha256'))
    x.wait_serial('@DONE', 30)
    dropped = '/sys/class/net/vif%d.0-emu/statistics/tx_dropped' % x.domid
    before = int(open(dropped).read())
    switches, ns, n, _ = idle(x, 'emulating', None if PEER else chatter)
    if not PEER:
        want('frames that came to the card', int(open(dropped).read()) >= before + 50, True)
        want('context switches, ns of CPU, threads', (switches, ns, n), (0, 0, 1))


def refused(x, why):
    """The guest's PV drivers were told not to load, and did not."""
    disks = x.wait_serial('@DISKS (.*)', 150)[1].split()
    want('disks', sorted(set(d[:2] for d in disks)), ['sd', 'sr'])
    want('magic number', x.wait_serial(r'@MAGIC (\w+)', 5)[1], 'd249')
    want('checksum by IDE', x.wait_serial(r'@READ (\w+)', 150)[1], fixture('big.sha256'))
    told = [line for line in x.dm_log().splitlines() if 'drivers, build' in line]
    told = [re.sub(r'^(xenplat: )\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ ', r'\1', line) for line in told]
    want('lines of the log', told, ['xenplat: linux drivers, build 1: told not to load, ' + why])


def pv_kept_out():
    """PV drivers are kept out by the blacklist, and by the rescue switch until the guest
    reboots."""
    g.run('xenstore-write', '/mh/driver-blacklist/linux/1', '')
    try:
        x, _ = start('pv-blacklisted', NEVER)
    finally:
        g.run('xenstore-rm', '/mh/driver-blacklist')
    refused(x, 'for xenstore has them on its blacklist')
    x.destroy()
    y, _ = start('pv-rescue', NEVER, paused=True)
    y.qmp('hvmd-ignore-next-unplug', enable=True)
    g.run('xl', 'unpause', str(y.domid))
    refused(y, 'by the rescue switch')
    journal = y.qmp('query-hvmd-unplug')
    want('journal', [(e['product-name'], e['build'], e['ignored']) for e in journal['events']], [('linux', 1, True)])


TESTS = (pv, pv_never, *(() if PEER else (pv_kept_out,)))

# SPDX-License-Identifier: GPL-2.0-or-later
"""The network tests: a Linux guest on an emulated RTL8139, by either of Linux's drivers,
and a boot over the network. dom0 has the other end: 192.168.77.1 on the bridge."""
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time

import guest as g
from bed import OUT, PEER, new, note, want
from guest import Failed

HERE, MAC = '192.168.77.1', '00:16:3e:4e:49:43'
SIZES = (64, 16, 4)  # MiB of "big" that go over the wire at once
# MiB that go each way in 8139cp's settings, and while the disk is read; qemu-xen and slow
# machines need minutes for more
PLAIN, LOADED = (64, 16) if os.environ.get('SLOW') and not PEER else (4, 4)
GET, PUT, GATE = 9000, 9100, 9200  # ports: these, and the size or the number
JOINED, OTHER, MCAST_PORT = '239.1.2.3', '239.200.100.50', 9003
VLAN, VLAN_HERE = 5, '192.168.78.1'
KERNEL = 'console=tty0 console=ttyS0,115200 loglevel=6 panic=5 nokaslr xen_emul_unplug=never'

# what the guest's scripts begin with; a step that fails says so and ends the script
PRELUDE = '''
gw=%s
echo 5 > /proc/sys/kernel/printk # what a driver complains of is to be seen
fail() { say "ERROR $*"; while :; do sleep 60; done; }
cat > /bin/lease <<'E'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
echo $ip > /tmp/lease
E
chmod +x /bin/lease
start() {
    ip link set lo up
    if ! ip link set eth0 up; then
        cat /sys/bus/pci/devices/*/modalias
        dmesg | grep -i 8139 | tail -n 5
        fail "no eth0"
    fi
    udhcpc -i eth0 -f -n -q -t 10 -T 2 -s /bin/lease > /tmp/dhcp 2>&1 || fail "udhcpc: $(tail -n 1 /tmp/dhcp)"
    say "LEASE $(cat /tmp/lease) $(cat /sys/class/net/eth0/address) $(ethtool -i eth0 | sed -n 's/^driver: //p')"
}
pings() { # pings ADDRESS COUNT SIZE...
    a=$1 n=$2 sum=0
    shift 2
    for s; do
        /bin/ping -f -q -c $n -W 10 -s $s $a > /tmp/ping 2>&1
        r=$(sed -n 's/.* \\([0-9]*\\) received.*/\\1/p' /tmp/ping)
        sum=$((sum + ${r:-0}))
        grep -q -E '^wrong|corrupt|DUP' /tmp/ping && fail "ping of $s bytes: $(tail -n 3 /tmp/ping)"
        [ "$r" = $n ] || say "LOST $s bytes: ${r:-$(tail -n 1 /tmp/ping)} of $n"
    done
    say "PINGS $(($# * n)) $sum"
}
ticks() { cut -d' ' -f1 /proc/uptime; }
fetch() { # fetch NAME MIB: by TCP into a file; seconds and checksum
    b=$(ticks)
    nictool get $gw $((9000 + $2)) > /tmp/$2 || fail "nictool get"
    e=$(ticks)
    say "DOWN $1 $(echo $b $e | awk '{print $2-$1}') $(sum /tmp/$2)"
}
send() { # what was fetched goes back
    b=$(ticks)
    nictool put $gw $((9100 + $2)) < /tmp/$2 || fail "nictool put"
    say "UP $1 $(echo $b $(ticks) | awk '{print $2-$1}')"
    rm /tmp/$2
}
perf() { # perf NAME OPTION...
    n=$1
    shift
    i=0
    until timeout 60 iperf3 -c $gw -f m "$@" > /tmp/iperf 2>&1; do
        i=$((i + 1))
        # the server may still be at the end of the test before
        grep -q busy /tmp/iperf && [ $i -lt 5 ] || fail "iperf3 $n: $(tail -n 2 /tmp/iperf)"
        sleep 1
    done
    sed -n "s/^\\[ *[0-9]*\\]\\([^ ]*\\) .* \\([0-9.]*\\) Mbits.sec .*receiver/@PERF $n\\1 \\2/p" /tmp/iperf
    say "PERFED $n"
}
gate() { # waits until dom0 is ready for what comes
    until nictool get $gw $((9200 + $1)) 2> /dev/null; do usleep 200000; done
}
carrier() { # waits for it to be $1
    i=0
    until [ "$(cat /sys/class/net/eth0/carrier)" = $1 ]; do
        i=$((i + 1))
        [ $i -lt 300 ] || fail "the carrier does not become $1"
        usleep 100000
    done
}
link() {
    carrier 1
    say "LINK up"
    carrier 0
    say "LINK down"
    carrier 1
    say "LINK again"
    pings $gw 20 100
}
''' % HERE

ECHOES = (18, 19, 20, 31, 32, 33, 64, 100, 127, 200, 256, 300, 400, 500, 511, 512, 600, 700, 800, 1000, 1200, 1400, 1470,
          1471, 1472)  # of an echo request: frames of 60 to 1514 bytes

CORE = '''
start
ethtool -k eth0 | sed -n 's/^\\([a-z-]*\\): \\(o[nf]*.*\\)/@FEATURE \\1 \\2/p'
pings $gw 40 %s
fetch plain %%d
send plain %%d
perf up -t 3
perf down -R -t 3
''' % ' '.join(map(str, ECHOES))

CP = PRELUDE + CORE % (PLAIN, PLAIN) + '''
perf both --bidir -t 3

gate 1
vconfig add eth0 5 > /dev/null || fail "vconfig"
ip addr add 192.168.78.2/24 dev eth0.5
ip link set eth0.5 up
say "VLAN card's"
pings 192.168.78.1 20 18 700 1472
ethtool -K eth0 txvlan off rxvlan off || fail "ethtool txvlan off"
say "VLAN driver's"
pings 192.168.78.1 20 18 700 1472
ip link del eth0.5
ethtool -K eth0 txvlan on rxvlan on

nictool mcast eth0 239.1.2.3 239.200.100.50 9003 30

ethtool -S eth0 > /tmp/stats || fail "ethtool -S"
sed -n 's/^ *\\([a-z_]*\\): \\([0-9]*\\)$/@STAT \\1 \\2/p' /tmp/stats
say "STATS"
ethtool -t eth0 > /tmp/test 2>&1 && say "SELFTEST $(tail -n 1 /tmp/test)"
ethtool -K eth0 tso off tx off sg off || fail "ethtool sg off"
fetch by-hand 4
send by-hand 4
ethtool -K eth0 sg on tx on tso on || fail "ethtool tso on"

# the disk is read all the while, its cache emptied before
touch /tmp/going
reads() {
    while [ -e /tmp/going ]; do
        echo 3 > /proc/sys/vm/drop_caches
        head -c 16777216 $(dev hda) | sha256sum
    done | sort | uniq -c > /tmp/reads
}
reads &
fetch loaded LOADED
send loaded LOADED
rm /tmp/going
wait
say "READS $(cat /tmp/reads | tr '\\n' ' ')"
link
say "DONE"
'''.replace('LOADED', str(LOADED))

TOO = PRELUDE + CORE % (4, 4) + '''
ethtool -S eth0 > /tmp/stats || fail "ethtool -S"
sed -n 's/^ *\\([a-z_]*\\): \\([0-9]*\\)$/@STAT \\1 \\2/p' /tmp/stats
say "STATS"
link
say "DONE"
'''


class Services:
    """What dom0 offers on the bridge while a test runs: DHCP, TFTP, iperf3, and the file
    "big" by TCP both ways."""

    def __init__(self, boot_file=None):
        self.dir = '/tmp/services'
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir + '/tftp')
        self.puts, self.sockets, self.children = [], [], []
        self.big = open(g.IMAGES + '/big', 'rb').read()
        self.boot_file = boot_file

    def __enter__(self):
        try:
            self.start()
        except Exception:
            self.__exit__()
            raise
        return self

    def start(self):
        # The guest gets a CPU of its own: when dom0's run on both, each frame waits until
        # Xen's scheduler lets the next one go.
        g.run('xl', 'vcpu-pin', '0', 'all', '0')
        # otherwise the bridge may keep multicast to itself
        g.run('ip', 'link', 'set', 'xenbr0', 'type', 'bridge', 'mcast_snooping', '0')
        self.spawn('/usr/sbin/dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root',
                   '--interface=xenbr0', '--bind-interfaces', '--dhcp-range=192.168.77.100,192.168.77.150,10m',
                   '--dhcp-host=%s,192.168.77.142' % MAC, '--dhcp-leasefile=%s/leases' % self.dir,
                   '--pid-file=%s/pid' % self.dir, '--log-dhcp', '--log-facility=-', '--enable-tftp',
                   '--tftp-root=%s/tftp' % self.dir, '--dhcp-no-override',
                   *(['--dhcp-boot=' + self.boot_file] if self.boot_file else []))
        self.spawn('/usr/bin/iperf3', '-s', '-B', HERE)
        for mib in SIZES:
            self.listen(GET + mib, lambda s, size=mib << 20: self.give(s, size))
            self.listen(PUT + mib, lambda s, size=mib << 20: self.take(s, size))
        g.wait(self.answers, 10, 'iperf3 does not listen')

    @staticmethod
    def answers():
        try:
            socket.create_connection((HERE, 5201), 1).close()
            return True
        except OSError:
            return False

    def spawn(self, *argv):
        log = open('%s/%s.log' % (OUT, os.path.basename(argv[0])), 'ab')
        self.children.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def listen(self, port, serve):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((HERE, port))
        s.listen(4)
        self.sockets.append(s)
        threading.Thread(target=self.accept, args=(s, serve), daemon=True).start()

    @staticmethod
    def accept(listener, serve):
        while True:
            try:
                s = listener.accept()[0]
            except OSError:
                return
            s.settimeout(60)
            try:
                serve(s)
            except OSError:
                pass
            s.close()

    def open_gate(self, number):
        """Lets the guest go on."""
        self.listen(GATE + number, lambda s: None)

    def give(self, s, size):
        with open(g.IMAGES + '/big', 'rb') as f:
            s.sendfile(f, 0, size)

    def take(self, s, size):
        data, at = bytearray(size + 1), 0
        while True:
            n = s.recv_into(memoryview(data)[at:])
            if not n:
                break
            at += n
        del data[at:]
        self.puts.append(data == self.big[:size] or 'of %d bytes some %d KiB differ' % (
            at, sum(data[i:i + 1024] != self.big[i:i + 1024] for i in range(0, at, 1024))))

    def check_puts(self, number):
        want('files that came up unharmed', self.puts, [True] * number)

    def __exit__(self, *a):
        g.run('xl', 'vcpu-pin', '0', 'all', 'all', check=False)
        for s in self.sockets:
            s.shutdown(socket.SHUT_RDWR)  # a thread waits in it
            s.close()
        for p in self.children:
            p.kill()
            p.wait()


class Tap(threading.Thread):
    """Counts the ICMP frames on an interface, by VLAN tag (None: without) and direction. The kernel
    takes a tag out of the frame before a packet socket sees it, and says which it was."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.s.bind((name, 3))
        self.s.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA
        self.s.settimeout(0.3)
        self.seen, self.over = {}, False
        self.start()

    def run(self):
        while not self.over:
            try:
                frame, extra, _, address = self.s.recvmsg(2048, 256)
            except socket.timeout:
                continue
            tag = None
            for level, kind, data in extra:
                if (level, kind) == (263, 8):
                    status, *_, tci, _ = struct.unpack('=IIIHHHH', data[:20])
                    tag = tci & 0xfff if status & 16 else None  # TP_STATUS_VLAN_VALID
            at = 12
            if frame[12:14] == b'\x81\0':
                tag, at = struct.unpack('>H', frame[14:16])[0] & 0xfff, 16
            if frame[at:at + 2] == b'\x08\0' and frame[at + 11] == 1:
                key = ('out' if address[2] == socket.PACKET_OUTGOING else 'in', tag)
                self.seen[key] = self.seen.get(key, 0) + 1

    def stop(self):
        time.sleep(0.5)
        self.over = True
        self.join()
        self.s.close()
        return self.seen


def linux(name, driver, script, **config):
    """A Linux guest with one NIC, which does what the script says."""
    x = new(name, memory=320, cpus='1', vif=['mac=%s,bridge=xenbr0,model=rtl8139' % MAC], **config)
    x.config['disk'] = [x.image('nic.img', cmdline='nic=' + driver) + ',raw,hda,rw', x.script(script) + ',raw,hdb,rw']
    x.create()
    x.wait_serial('@READY', 120)
    lease = x.wait_serial(r'@LEASE (\S+) (\S+) (\S+)', 60)
    want('lease, address and driver', lease.groups(), ('192.168.77.142', MAC, driver))
    return x


def pinged(x, nth, limit, lost_ok=0):
    """The nth round of pings."""
    m = x.wait_serial('(?:@PINGS (?s:.*?)){%d}@PINGS (\\d+) (\\d+)\n' % (nth - 1), limit)
    sent, answered = map(int, m.groups())
    if sent - answered > lost_ok:
        raise Failed('%d of %d pings were lost: %s' % (sent - answered, sent, re.findall('@LOST (.*)', x.serial())))
    return sent


def moved(x, what, label, mib, limit=300):
    """A transfer of the first part of "big": its speed; its checksum when it came down."""
    m = x.wait_serial(r'@%s %s ([\d.]+)(?: (\w{64}))?\n' % (what, label), limit)
    if what == 'DOWN':
        with open(g.IMAGES + '/big', 'rb') as f:
            want('checksum of what came down (%s)' % label, m[2], g.sha256(f.read(mib << 20)))
    note('%s %s %.1f MB/s' % (what.lower(), label, mib * 1.048576 / max(float(m[1]), 0.01)))


def perfed(x, name, streams):
    x.wait_serial('@PERFED ' + name, 70)
    rates = re.findall(r'@PERF %s\S* ([\d.]+)' % name, x.serial())
    note('iperf3 %s %s Mbit/s' % (name, '+'.join(rates)))
    if len(rates) != streams or not all(float(r) > 0 for r in rates):
        raise Failed('iperf3 %s: rates %s of %d streams' % (name, rates, streams))


def core(x, mib):
    note('%d pings' % pinged(x, 1, 90))
    moved(x, 'DOWN', 'plain', mib)
    moved(x, 'UP', 'plain', mib)
    perfed(x, 'up', 1)
    perfed(x, 'down', 1)


def link(x):
    """The cable is pulled and plugged by QMP; the guest looks at its carrier."""
    x.wait_serial('@LINK up', 60)
    x.qmp('set_link', name='nic0', up=False)
    x.wait_serial('@LINK down', 60)
    if not PEER:
        want('link in query-rx-filter', x.qmp('query-rx-filter', name='nic0')[0]['link'], False)
    x.qmp('set_link', name='nic0', up=True)
    x.wait_serial('@LINK again', 60)


def vlan(x, dom0):
    tap = 'vif%d.0-emu' % x.domid
    echoes = 2 * 3 * 20  # by the tags of the card and by those of the driver
    g.run('ip', 'link', 'add', 'link', 'xenbr0', 'name', 'xenbr0.5', 'type', 'vlan', 'id', str(VLAN))
    try:
        g.run('ip', 'addr', 'add', VLAN_HERE + '/24', 'dev', 'xenbr0.5')
        g.run('ip', 'link', 'set', 'xenbr0.5', 'up')
        t = Tap(tap)
        dom0.open_gate(1)
        try:
            for nth, whose in ((2, "card's"), (3, "driver's")):
                x.wait_serial('@VLAN ' + whose, 60)
                pinged(x, nth, 60)
        finally:
            seen = t.stop()
        want('echoes and their VLANs on ' + tap, seen, {('in', VLAN): echoes, ('out', VLAN): echoes})
    finally:
        g.run('ip', 'link', 'del', 'xenbr0.5', check=False)


def card(x):
    """What hvmd counts of the card."""
    return x.qmp('query-hvmd-stats')['nics'][0]


def multicast(x):
    x.wait_serial('@MCAST joined', 60)
    if not PEER:
        told = x.qmp('query-rx-filter', name='nic0')[0]
        want('receive filter', [told.get(k) for k in ('main-mac', 'promiscuous', 'multicast', 'broadcast-allowed',
                                                      'link')], [MAC, False, 'normal', True, True])
        before = card(x)['rx-filtered']
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(HERE))
    time.sleep(2)  # the driver writes the filter a moment after the join
    for _ in range(20):
        for group in (OTHER, JOINED):
            s.sendto(bytes(1000), (group, MCAST_PORT))
        time.sleep(0.02)
    for _ in range(5):
        s.sendto(b'end', (JOINED, MCAST_PORT))
        time.sleep(0.1)
    s.close()
    m = x.wait_serial(r'@MCAST got (\d+) datagrams, (\d+) frames joined, (\d+) other', 60)
    want('multicast datagrams, frames of the group joined, frames of another', m.groups(), ('20', '20', '0'))
    if not PEER:
        filtered = card(x)['rx-filtered'] - before
        if filtered < 20:
            raise Failed('the card counts %d frames as not for it, of 20' % filtered)


def statistics(x, *some):
    x.wait_serial('@STATS', 30)
    stats = {k: int(v) for k, v in re.findall(r'@STAT (\w+) (\d+)', x.serial())}
    for name in some:
        if not stats.get(name):
            raise Failed('ethtool -S: %s is %s of %s' % (name, stats.get(name), stats))


def nic_cp():
    """8139cp: descriptor rings, checksums, large send, VLAN tags, multicast, link."""
    with Services() as dom0:
        x = linux('nic-cp', '8139cp', CP)
        core(x, PLAIN)
        features = dict(re.findall(r'@FEATURE (\S+) (.*)', x.serial()))
        want('offloads', [features.get(f) for f in ('scatter-gather', 'tx-checksumming', 'tcp-segmentation-offload',
                                                    'rx-vlan-offload', 'tx-vlan-offload')], ['on'] * 5)
        perfed(x, 'both', 2)
        vlan(x, dom0)
        multicast(x)
        statistics(x, 'tx_ok', 'rx_ok')
        moved(x, 'DOWN', 'by-hand', 4)
        moved(x, 'UP', 'by-hand', 4)
        moved(x, 'DOWN', 'loaded', LOADED)
        moved(x, 'UP', 'loaded', LOADED)
        reads = x.wait_serial('@READS (.*)', 60)[1].split()
        with open(x.dir + '/nic.img', 'rb') as f:
            disk = f.read(16 << 20)
        note('%s reads of the disk meanwhile' % reads[0])
        want('checksums of the disk', reads[1::3], [g.sha256(disk)])
        link(x)
        pinged(x, 4, 60)
        dom0.check_puts(3)
        x.wait_serial('@DONE', 10)


def nic_too():
    """8139too: the four transmit descriptors and the ring-buffer receiver. The driver
    leaves an RTL8139C+ alone, and qemu-xen has no other."""
    with Services() as dom0:
        x = linux('nic-too', '8139too', TOO, device_model_args_hvm=['-global', 'rtl8139.kind=c'])
        core(x, 4)
        statistics(x)
        link(x)
        pinged(x, 2, 60)
        dom0.check_puts(1)
        x.wait_serial('@DONE', 10)


def pxe():
    """iPXE from the card's ROM: DHCP, then kernel and initramfs by TFTP."""
    with Services('boot.ipxe') as dom0:
        tftp = dom0.dir + '/tftp/'
        version = open(os.path.dirname(g.IMAGES) + '/kernel/version').read().strip()
        shutil.copyfile('%s/kernel/boot/vmlinuz-%s' % (os.path.dirname(g.IMAGES), version), tftp + 'vmlinuz')
        shutil.copyfile(g.IMAGES + '/pxe.initrd', tftp + 'initrd')
        with open(tftp + 'boot.ipxe', 'w') as f:
            f.write('#!ipxe\nkernel vmlinuz initrd=initrd %s t=none\ninitrd initrd\nboot\n' % KERNEL)
        x = new('pxe', boot='n', memory=320, cpus='1', vif=['mac=%s,bridge=xenbr0,model=rtl8139' % MAC])
        begun = time.monotonic()
        x.create()
        x.wait_screen('iPXE', 60)
        x.wait_screen(r'vmlinuz\.\.\.', 60)
        x.shot('pxe')
        x.wait_serial('Linux version', 400)
        note('Linux began after %.0f s' % (time.monotonic() - begun))
        x.wait_serial('@READY', 120)
        x.wait_screen('login:', 30)
        x.shot('pxe-linux')


PASST = PRELUDE + '''
start
ip route add default dev eth0
b=$(ticks)
nictool get $gw 9004 | dd of=/tmp/got bs=1024 count=1024 iflag=fullblock 2> /dev/null
say "DOWN passt $(echo $b $(ticks) | awk '{print $2-$1}') $(sum /tmp/got)"
say "DONE"
'''


def nic_passt():
    """A card on a stream socket whose other end is passt: a network without a bridge, a
    tap or root."""
    folder = '/tmp/passt'
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    os.chmod(folder, 0o777)  # passt becomes nobody
    with Services() as dom0:
        dom0.spawn('/usr/bin/passt', '-f', '-q', '-m', '1500', '-s', folder + '/socket')
        g.wait(lambda: os.path.exists(folder + '/socket'), 20, 'passt makes no socket')
        x = new('nic-passt', memory=320, cpus='1', device_model_args_hvm=[
            '-device', 'rtl8139,id=nic0,netdev=net0,mac=' + MAC,
            '-netdev', 'stream,id=net0,server=off,addr.type=unix,addr.path=%s/socket' % folder])
        x.config['disk'] = [x.image('nic.img', cmdline='nic=8139cp') + ',raw,hda,rw', x.script(PASST) + ',raw,hdb,rw']
        x.create()
        lease = x.wait_serial(r'@LEASE (\S+) (\S+) (\S+)', 120)
        want('address and driver', lease.groups()[1:], (MAC, '8139cp'))
        moved(x, 'DOWN', 'passt', 1)  # passt resends most of what it sends
        x.wait_serial('@DONE', 10)
        want('taps', [name for name in os.listdir('/sys/class/net') if name.startswith('vif')], [])


TESTS = (nic_cp, *(() if PEER else (nic_too, nic_passt)), pxe)

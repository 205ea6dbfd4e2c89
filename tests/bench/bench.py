#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures HVM device models on real Xen; runs in dom0, started by "bench". Each bench
is a function that takes a device model and records metrics; it runs for each of them
in turn, RUNS times. The README says how each figure is taken."""
import json
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../xen'))
import guest as g  # noqa: E402
import pv  # noqa: E402
from guest import Failed, Guest, Lost  # noqa: E402

OUT = os.environ.get('XENBOX_SHARE', '/tmp')
RUNS = int(os.environ.get('RUNS') or 3)
RFB = os.path.join(os.path.dirname(os.path.abspath(g.__file__)), 'rfb.py')
WRAP = '/run/dmwrap'
# Times of an emulated CPU scatter. TCP takes that for a queue, and may end its slow start at any moment.
HYSTART = '/sys/module/tcp_cubic/parameters/hystart'
SECS = 12

# metric, what it is, and the most (<=) or least (>=) ratio to the peer that is asked for
GOALS = (
    ('spawn_to_running', 'exec to "running"', '<=', 0.15),
    ('save_state', 'stop to saved state', '<=', 0.5),
    ('restore_to_running', 'exec with a state to "running"', '<=', 0.5),
    ('linux_pss', 'PSS, guest at its prompt, no viewer', '<=', 0.2),
    ('aside_pss', 'PSS, PV drivers have taken over', '<=', 0.1),
    ('aside_ctxsw', 'context switches then', '<=', 0),
    ('aside_cpu', 'CPU time then', '<=', 0),
    ('inb_0x3f6_ns', 'a port read', '<=', 0.6),
    ('mmio_read_vga_bar2_ns', 'an MMIO read', '<=', 0.6),
    ('pio_read_1x1_rate', 'PIO, one sector per command', '>=', 3),
    ('pio_read_1x128_rate', 'PIO, 128 sectors per command', '>=', 8),
    ('pioboot_total', 'boot through BIOS PIO', '<=', 0.4),
    ('boot_total', 'boot by DMA', '<=', 0.85),
    ('dma_seqread', 'DMA read', '>=', 1.2),
    ('dma_seqread_dmcpu', 'its CPU time per GB', '<=', 0.6),
    ('dma_seqwrite', 'DMA write', '>=', 1.2),
    ('dma_seqwrite_dmcpu', 'its CPU time per GB', '<=', 0.6),
    ('net_send_tso', 'TCP, guest to dom0', '>=', 1.5),
    ('net_send', 'TCP, guest to dom0, no offloads', '>=', 1.5),
    ('net_fetch', 'TCP, dom0 to guest', '>=', 1.5),
    ('net_send_dmcpu', 'its CPU time per GiB', '<=', 0.6),
    ('net_send_tso_dmcpu', 'its CPU time per GiB', '<=', 0.6),
    ('net_fetch_dmcpu', 'its CPU time per GiB', '<=', 0.6),
    ('net_ping', 'round trip', '<=', 0.8),
    ('vnc_first_frame', 'first VNC frame', '<=', 1.0),
    ('scroll_frames', 'VNC frames while scrolling', '>=', 1.3),
)
records = []


def log(*a):
    print('#', '%.1f' % time.monotonic(), *a, flush=True)


def rec(dm, metric, value, unit):
    records.append((dm, metric, value, unit))
    print('%s %s %.6g %s' % (os.path.basename(dm), metric, value, unit), flush=True)


class Watch(threading.Thread):
    """Notes when a device model's state node becomes "running". Speaks the protocol of
    xenstored's socket: xenstore-watch would add the start of a process."""

    def __init__(self):
        super().__init__(daemon=True)
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect('/run/xenstored/socket')
        self.when = None
        self.done = threading.Event()
        self._send(4, b'/local/domain/0/device-model\0dm\0')
        self.start()

    def _send(self, kind, body):
        self.s.sendall(struct.pack('<IIII', kind, 1, 0, len(body)) + body)

    def _recv(self):
        kind, _, _, n = struct.unpack('<IIII', self.s.recv(16, socket.MSG_WAITALL))
        return kind, self.s.recv(n, socket.MSG_WAITALL) if n else b''

    def since_exec(self):
        self.done.wait(10)
        return (self.when or float('nan')) - float(open('/run/dmwrap.time').read().split()[0])

    def run(self):
        events = []
        while True:
            kind, body = events.pop(0) if events else self._recv()
            if kind != 15 or not body.split(b'\0')[0].endswith(b'/state'):
                continue
            now = time.monotonic()
            self._send(2, body.split(b'\0')[0] + b'\0')
            while True:
                kind, value = self._recv()
                if kind != 15:
                    break
                events.append((kind, value))
            if value == b'running':
                self.when = now
                self.done.set()
                return


def family(pid):
    """A device model and its helpers: its descendants, and what carries its mark."""
    mark = [e for e in open('/proc/%d/environ' % pid, 'rb').read().split(b'\0') if e.startswith(b'XEN_DOMAIN_ID=')]
    every = [pid] + [q for q in (g.processes_of(int(mark[0].split(b'=')[1])) if mark else []) if q != pid]
    grown = True
    while grown:
        grown = False
        for d in os.listdir('/proc'):
            if d.isdigit() and int(d) not in every:
                try:
                    parent = int(open('/proc/%s/stat' % d).read().rsplit(')', 1)[1].split()[1])
                except OSError:
                    continue
                if parent in every:
                    every.append(int(d))
                    grown = True
    return every


def cpu(pid):
    """CPU seconds of all threads of the family, dead ones and reaped children too."""
    total = 0.0
    for q in family(pid):
        try:
            total += time.clock_gettime((~q << 3) | 2)
            f = open('/proc/%d/stat' % q).read().rsplit(')', 1)[1].split()
            total += (int(f[13]) + int(f[14])) / os.sysconf('SC_CLK_TCK')
        except OSError:
            if q == pid:
                raise
    return total


class Probe(Guest):
    """A guest whose device model is started through dmwrap."""

    def __init__(self, dm, image, job=None, data=0, params=None, paused=False, **config):
        super().__init__('bench', dm, OUT, cpus='1', vncunused=0, vncdisplay=0, device_model_override=WRAP, **config)
        self.dm = dm
        with open('/run/dmwrap.path', 'w') as f:
            f.write(g.device_model(dm) + '\n')
        if not os.path.exists(WRAP):
            subprocess.run(['cp', g.IMAGES + '/dmwrap', WRAP], check=True)
        hda = self.dir + '/hda'
        if image:
            self.image(image, 'hda')
        else:
            open(hda, 'wb').truncate(4 << 20)
        if params:
            with open(hda, 'r+b') as f:
                f.seek(512 + 4)
                f.write(struct.pack('<II', *params))
        disks = [hda]
        if job is not None:
            with open(self.dir + '/hdb', 'wb') as f:
                f.write(job.encode())
                f.truncate(1 << 20)
            disks.append(self.dir + '/hdb')
        if data:
            with open(self.dir + '/hdc', 'wb') as f:
                for _ in range(data):
                    f.write(os.urandom(1024) * 1024)
            disks.append(self.dir + '/hdc')
        self.config['disk'] = ['%s,raw,hd%s,rw' % d for d in zip(disks, 'abc')]
        watch = Watch()
        try:
            self.create(paused)
        except Failed:
            self.destroy()
            raise
        self.spawn = watch.since_exec()

    def __enter__(self):
        return self

    def __exit__(self, *a):
        if a[0]:
            self.keep('lost-%s-%s' % (bench_name, os.path.basename(self.dm)))
        self.destroy()

    def wait_console(self, text, limit):
        end = time.monotonic() + limit
        while text not in self.console:
            self.check(console=True)
            if time.monotonic() > end:
                raise Failed('no "%s" on Xen\'s console in %d s; serial: %r' % (text, limit, self.serial()[-300:]))
            time.sleep(0.5)

    def phases(self, last, limit):
        """Follows "@BEGIN name count" and "@END name count ..." lines; yields name, count,
        the END line's other fields and the device model's CPU seconds in between."""
        end, pos, begun, buf = time.monotonic() + limit, 0, {}, ''
        while True:
            s = self.serial()
            buf, pos = buf + s[pos:], len(s)
            *lines, buf = buf.split('\n')
            for line in lines:
                f = line.split()
                if f[:1] == ['@BEGIN']:
                    begun[f[1]] = cpu(self.pid)
                elif f[:1] == ['@END']:
                    yield f[1], int(f[2]), f[3:], cpu(self.pid) - begun[f[1]]
                elif f[:1] == [last]:
                    return
                elif f[:1] == ['@ERROR']:
                    raise Failed(line)
            self.check()
            if time.monotonic() > end:
                raise Failed('time is up; serial: %r' % s[-300:])
            time.sleep(0.1)

    def footprint(self, label):
        sums, threads, fds = dict.fromkeys(('Rss', 'Pss', 'Private_Dirty'), 0), 0, 0
        pids = family(self.pid)
        for q in pids:
            p = '/proc/%d/' % q
            m = dict(re.findall(r'^(\w+):\s+(\d+) kB', open(p + 'smaps_rollup').read(), re.M))
            for key in sums:
                sums[key] += int(m[key])
            threads += len(os.listdir(p + 'task'))
            fds += len(os.listdir(p + 'fd'))
        for key, value in sums.items():
            rec(self.dm, '%s_%s' % (label, key.lower()), value, 'kB')
        for key, value in (('processes', len(pids)), ('threads', threads), ('fds', fds)):
            rec(self.dm, '%s_%s' % (label, key), value, 'n')

    def switches(self):
        total = 0
        for q in family(self.pid):
            for t in os.listdir('/proc/%d/task' % q):
                try:
                    s = open('/proc/%d/task/%s/status' % (q, t)).read()
                except OSError:
                    continue
                total += int(re.search(r'^voluntary_ctxt_switches:\s+(\d+)', s, re.M)[1])
        return total

    def idle(self, label):
        c, n, t = cpu(self.pid), self.switches(), time.monotonic()
        time.sleep(15)
        t = time.monotonic() - t
        rec(self.dm, label + '_cpu', (cpu(self.pid) - c) / t * 1000, 'ms/s')
        rec(self.dm, label + '_ctxsw', (self.switches() - n) / t, '/s')


def viewer(*a):
    return subprocess.Popen(['python3', RFB, '127.0.0.1:5900', *a], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


# ---- the benches -----------------------------------------------------------

def b_spawn(dm):
    with Probe(dm, None, paused=True) as x:
        rec(dm, 'xl_create', x.created, 's')
        rec(dm, 'spawn_to_running', x.spawn, 's')
        rec(dm, 'cpu_until_created', cpu(x.pid), 's')
        time.sleep(2)
        x.footprint('running')


class Qmp:
    """One connection: what it costs to make one is no part of a command."""

    def __init__(self, domid):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(20)
        self.s.connect('/var/run/xen/qmp-libxl-%d' % domid)
        self.f = self.s.makefile('rw')
        self('qmp_capabilities')

    def __call__(self, command, **arguments):
        self.f.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
        self.f.flush()
        while True:
            answer = json.loads(self.f.readline())
            if 'error' in answer:
                raise Failed('QMP %s: %s' % (command, answer['error']))
            if 'return' in answer:
                return

    def close(self):
        self.f.close()
        self.s.close()


def b_save(dm):
    """The state of the devices of an idle Linux, written five times as libxl asks for it;
    then the whole guest by xl."""
    with Probe(dm, 'bench-dma.img', job='', vif=['bridge=xenbr0,model=rtl8139']) as x:
        x.wait_console('GUEST ready', 90)
        path, state = x.dir + '/saved', '/run/bench.state'
        for _ in range(5):
            time.sleep(2)
            g.run('xl', 'pause', x.name)
            qmp = Qmp(x.domid)
            begun = time.monotonic()
            qmp('stop')
            stopped = time.monotonic()
            qmp('xen-save-devices-state', filename=state, live=True)
            saved = time.monotonic()
            qmp('cont')
            qmp.close()
            g.run('xl', 'unpause', x.name)
            rec(dm, 'save_stop', (stopped - begun) * 1e3, 'ms')
            rec(dm, 'save_state', (saved - begun) * 1e3, 'ms')
        rec(dm, 'state_bytes', os.path.getsize(state), 'bytes')
        os.unlink(state)
        x.disconnect()
        begun = time.monotonic()
        g.run('xl', 'save', x.name, path, timeout=180)
        rec(dm, 'xl_save', time.monotonic() - begun, 's')
        watch = Watch()
        begun = time.monotonic()
        g.run('xl', 'restore', path, timeout=180)
        rec(dm, 'xl_restore', time.monotonic() - begun, 's')
        rec(dm, 'restore_to_running', watch.since_exec(), 's')
        os.unlink(path)
        x.find()


def b_idle(dm):
    with Probe(dm, 'bench-dma.img', job='') as x:
        x.wait_console('GUEST ready', 90)
        rec(dm, 'cpu_until_linux', cpu(x.pid), 's')
        time.sleep(12)  # the peer's worker threads leave after 10 s
        x.footprint('linux')
        x.idle('idle')
        p = viewer('--hold', '30')
        time.sleep(4)
        x.idle('idle_vnc')
        x.footprint('linux_vnc')
        p.kill()
        p.wait()


def b_aside(dm):
    """PV drivers have taken over: what the device model costs while the guest is idle."""
    seconds = 60
    job = 'say "GONE $(ls /sys/class/block | grep -c ^sd)"\n'
    with Probe(dm, 'pv.img', job=job, vif=['bridge=xenbr0,model=rtl8139']) as x:
        if x.wait_serial(r'@GONE (\d+)', 90)[1] != '0':
            raise Failed('the emulated disks are still there')
        x.wait_serial('@JOBDONE', 30)
        time.sleep(15)
        x.footprint('aside')
        before, begun = pv.threads(x.pid), time.monotonic()
        time.sleep(seconds)
        after, t = pv.threads(x.pid), time.monotonic() - begun
        both = [(before.get(k, (0, 0, 0)), v) for k, v in after.items()]
        rec(dm, 'aside_ctxsw', sum(sum(b[:2]) - sum(a[:2]) for a, b in both) / t, '/s')
        rec(dm, 'aside_cpu', sum(b[2] - a[2] for a, b in both) / t / 1e6, 'ms/s')


def b_ioreq(dm):
    n = int(os.environ.get('N') or 10000)
    with Probe(dm, 'ioreq.img', params=(n, 0)) as x:
        x.wait_serial('@START', 60)
        khz = int(re.search(r'tsc_khz (\d+)', x.serial())[1])
        for name, count, rest, c in x.phases('@DONE', 600):
            ns = int(rest[0]) * 1e6 / khz / count
            rec(dm, name + '_ns', ns, 'ns')
            if not name.startswith('xen_'):
                rec(dm, name + '_dmcpu', c / count * 1e5, 's/100k')
            if name.startswith('pio_read'):
                rec(dm, name + '_rate', 512 * (128 if name.endswith('128') else 1) / ns * 1e3, 'MB/s')


def b_disk(dm):
    mib = 48
    job = '''
ph() { n=$1; c=$2; shift 2; echo "@BEGIN $n $c"; sleep 0.5; r=$("$@" 2>&1 | tail -1); sleep 0.5; echo "@END $n $c $r"; }
d=$(dev hdc)
dd if=$d of=/dev/null bs=64k count=16 2>/dev/null
ph dma_seqread %d gtool seqread $d %d 128
ph dma_seqwrite %d gtool seqwrite $d %d 128
ph dma_randread 1000 gtool randread $d 1000 64
''' % (mib, mib, mib, mib)
    with Probe(dm, 'bench-dma.img', job=job, data=64) as x:
        x.wait_console('GUEST ready', 90)
        for name, count, rest, c in x.phases('@JOBDONE', 300):
            _, value, unit, _ = rest
            rec(dm, name, float(value), unit)
            if 'rand' in name:
                rec(dm, name + '_dmcpu', c / count * 1e6, 'us/op')
            else:
                rec(dm, name + '_dmcpu', c / (count * 1.048576e-3), 's/GB')


def b_net(dm):
    job = '''
ip link set eth0 up
ip addr add 192.168.77.50/24 dev eth0
gw=192.168.77.1
echo 0 > %s || echo "@ERROR hystart"
ph() { n=$1; c=$2; shift 2; echo "@BEGIN $n $c"; sleep 0.5; r=$("$@" 2>&1 | tail -1); sleep 0.5; echo "@END $n $c $r"; }
tcp() { # the mean rate once the connection has found its window, and all Mbit
    iperf3 -c $gw -f m -t 15 "$@" > /tmp/iperf 2>&1 || tail -n 1 /tmp/iperf
    sed -n 's/.* \\([0-9.]*\\)-\\([0-9.]*\\) *sec .* \\([0-9.]*\\) Mbits.sec\\(.*\\)/\\1 \\2 \\3 \\4/p' /tmp/iperf |
        awk '{ d = $2 - $1 } /receiver/ { all = $3 * d } !/er$/ && $1 >= 4.5 { t += d; m += $3 * d }
            END { if (t) printf "%%.2f Mbit/s %%.2f\\n", m / t, all }'
}
middle() { /bin/ping -c $1 -i 0.01 $gw | sed -n 's/.*time=\\([0-9.]*\\) ms/\\1 ms/p' | sort -n | sed -n "$(($1 / 2))p"; }
i=0
until /bin/ping -c 1 -W 1 $gw > /dev/null; do i=$((i + 1)); [ $i -lt 20 ] || echo "@ERROR no answer from $gw"; done
ph net_ping 300 middle 300
ph net_send_tso 1 tcp
ph net_fetch 1 tcp -R
ethtool -K eth0 tso off tx off sg off || echo "@ERROR ethtool"
ph net_send 1 tcp
''' % HYSTART
    with open(HYSTART, 'w') as f:
        f.write('0')
    server = subprocess.Popen(['iperf3', '-s', '-B', '192.168.77.1'], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        with Probe(dm, 'nic.img', job=job, vif=['bridge=xenbr0,model=rtl8139']) as x:
            x.wait_serial('@READY', 90)
            for name, _, rest, c in x.phases('@JOBDONE', 240):
                try:
                    value = float(rest[0])
                    gib = float(rest[2]) * 1e6 / 8 / (1 << 30) if name != 'net_ping' else 0
                except (IndexError, ValueError):
                    raise Failed('%s: %s' % (name, ' '.join(rest))) from None
                rec(dm, name, value, rest[1])
                if gib:
                    rec(dm, name + '_dmcpu', c / gib, 's/GiB')
    finally:
        server.kill()
        server.wait()


def stamps(text):
    """Seconds of Xen's clock at which marks appeared on its console."""
    marks = {'hvmloader': 'HVM Loader', 'bios': 'SeaBIOS (version', 'bootsector': 'Booting from 0000:7c00',
             'kernel': 'Linux version', 'init': 'GUEST init', 'ready': 'GUEST ready'}
    out = {}
    for key, mark in marks.items():
        m = re.search(r'\[ *(\d+\.\d+)\] [^\n]*' + re.escape(mark), text)
        if m:
            out[key] = float(m[1])
    return out


def boot(dm, image, label, limit):
    with Probe(dm, image, job='') as x:
        x.wait_console('GUEST ready', limit)
        rec(dm, label + '_dmcpu', cpu(x.pid), 's')
        t = stamps(x.console)
        keys = [k for k in ('hvmloader', 'bios', 'bootsector', 'kernel', 'init', 'ready') if k in t]
        for a, b in zip(keys, keys[1:]):
            rec(dm, '%s_%s_to_%s' % (label, a, b), t[b] - t[a], 's')
        rec(dm, label + '_total', t['ready'] - t['hvmloader'], 's')


def b_boot(dm):
    boot(dm, 'bench-dma.img', 'boot', 90)


def b_pioboot(dm):
    boot(dm, 'bench-pio.img', 'pioboot', 240)


def b_vnc(dm):
    with Probe(dm, 'vga.img', params=(SECS + 8, 0)) as x:
        x.wait_serial('@PHASE static', 60)
        for _ in range(3):
            out = viewer().communicate(timeout=60)[0]
            for m, v, u in re.findall(r'^(vnc_(?:connect|first_frame)) (\S+) (\S+)', out, re.M):
                rec(dm, m, float(v), u)
        for phase in ('scroll', 'fill'):
            x.wait_serial('@PHASE ' + phase, 60)
            p = viewer('--watch', str(SECS), '--png', '%s/%s-%s.png' % (OUT, os.path.basename(dm), phase))
            out = ''
            while 'vnc_size' not in out and p.poll() is None:
                out += p.stdout.readline()
            c, t = cpu(x.pid), time.monotonic()
            out += p.communicate(timeout=90)[0]
            rec(dm, phase + '_dmcpu', (cpu(x.pid) - c) / (time.monotonic() - t) * 1000, 'ms/s')
            for m, v, u in re.findall(r'^vnc_(updates|mbytes|frames) (\S+) (\S+)', out, re.M):
                rec(dm, '%s_%s' % (phase, m), float(v), u)
        x.wait_serial('@STEPS fill', 60)
        for phase, n in re.findall(r'@STEPS (\w+) (\d+)', x.serial()):
            rec(dm, phase + '_guest_steps', int(n) / (SECS + 8), '/s')


# ---- the table ---------------------------------------------------------------

def median(dm, metric):
    v = [x for d, m, x, _ in records if d == dm and m == metric and x == x]
    return statistics.median(v) if v else None


def number(x):
    return '%.0f' % x if abs(x) >= 1000 else '%.4g' % x


def table(dms):
    units = dict((m, u) for _, m, _, u in records)
    goals = {m: (text, op, limit) for m, text, op, limit in GOALS}
    print('\n| metric | unit | %s | %s ratio | goal | |\n|---|---|---|%s---|---|---|' % (
        ' | '.join(os.path.basename(d) for d in dms), '|' if len(dms) == 2 else '', '---|' if len(dms) == 2 else ''))
    for metric, unit in units.items():
        v = [median(d, metric) for d in dms]
        ratio = v[1] / v[0] if len(v) == 2 and v[0] and v[1] is not None else None
        row = [metric, unit] + ['' if x is None else number(x) for x in v] + ['' if ratio is None else '%.3f' % ratio]
        if metric in goals:
            text, op, limit = goals[metric]
            met = ratio is not None and (ratio <= limit if op == '<=' else ratio >= limit)
            row += ['%s %s (%s)' % (op, limit, text), 'met' if met else '**missed**' if ratio is not None else '']
        else:
            row += ['', '']
        print('| ' + ' | '.join(row) + ' |')
    sys.stdout.flush()


BENCHES = {n[2:]: f for n, f in list(globals().items()) if n.startswith('b_')}
names = sys.argv[1:] or list(BENCHES)
DM = os.environ['DM']
dms = [DM] if os.environ.get('ALONE') == '1' else [g.PEER, DM]
if len(dms) == 2 and DM == g.PEER:
    dms = [DM]
# The first start of each reads the program over 9p; that one is not measured.
for d in dms:
    bench_name = 'warm-up'
    try:
        Probe(d, None, paused=True).destroy()
    except Lost as e:
        log('warm-up lost:', e)
    except Failed as e:
        sys.exit('bench: %s cannot be started: %s' % (d, e))
gave_up = 0
for bench_name in names:
    for i in range(RUNS):
        for d in dms:
            for attempt in range(4):
                mark = len(records)
                try:
                    log('%s, run %d of %d: %s' % (bench_name, i + 1, RUNS, d))
                    BENCHES[bench_name](d)
                    with open(OUT + '/records.jsonl', 'a') as f:
                        for r in records[mark:]:
                            f.write(json.dumps([bench_name, *r]) + '\n')
                    break
                except (Lost, Failed, OSError, subprocess.SubprocessError) as e:
                    log('run lost: %s' % e)
                    del records[mark:]
                    # what is not the CPU emulator's doing is not tried for ever
                    if attempt == 3 or (not isinstance(e, Lost) and attempt >= 1):
                        gave_up += 1
                        break
table(dms)
sys.exit(1 if gave_up else 0)

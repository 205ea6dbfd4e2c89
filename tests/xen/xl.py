# SPDX-License-Identifier: GPL-2.0-or-later
"""What an administrator types: each xl command that has to do with a device model, on a
guest with emulated devices, driven over its serial console, and on one with PV drivers."""
import glob
import json
import os
import pty
import re
import shutil
import socket
import subprocess
import threading
import time

import guest as g
from bed import OUT, cd, new, note, want
from guest import Failed

# The guest obeys lines of its serial line. What it answers ends in "@END number status".
OBEY = '''
stty -echo < /dev/ttyS0
mkdir -p /c
dev hdc > /cd
echo "@OBEYS"
while read -r n line; do
    case $n in
    [0-9]*) ;;
    *) continue ;;
    esac
    eval "$line"
    echo "@END $n $?"
done < /dev/ttyS0
'''


class Console:
    """xl console of a guest whose serial port is a pty; it obeys terminals only."""

    def __init__(self, x):
        self.x, self.n = x, 0
        self.master, slave = pty.openpty()
        self.p = subprocess.Popen(['xl', 'console', x.name], stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        threading.Thread(target=self.keep, args=(open(x.serial_file, 'wb', buffering=0),), daemon=True).start()

    def keep(self, log):
        try:
            while True:
                log.write(os.read(self.master, 4096))
        except OSError:  # the other side has gone
            pass

    def send(self, line):
        self.n += 1
        os.write(self.master, b'%d %s\n' % (self.n, line.encode()))
        return self.n

    def ask(self, line, limit=40, status=0):
        """What the guest says to it."""
        n = self.send(line)
        m = self.x.wait_serial(r'(?s)(?:.*@END %d \d+|.*@OBEYS)\n(.*?)@END %d (\d+)\n' % (n - 1, n), limit)
        if status is not None and int(m[2]) != status:
            raise Failed('guest: status %s of %r: %s' % (m[2], line, m[1]))
        return m[1].strip()

    def close(self):
        self.p.kill()
        self.p.wait()


class Events(threading.Thread):
    """What a listener on the control socket is told."""

    def __init__(self, x):
        super().__init__(daemon=True)
        self.got = []
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect('/run/hvmd/%d.sock' % x.domid)
        self.s.sendall(b'{"execute":"qmp_capabilities"}')
        self.start()

    def run(self):
        for line in self.s.makefile():
            m = json.loads(line)
            if 'event' in m:
                self.got.append((m['event'], m.get('data', {})))

    def names(self):
        return [name for name, _ in self.got]

    def wait(self, name, count=1, limit=10):
        g.wait(lambda: self.names().count(name) >= count, limit, 'no %d events %s, only %s' % (count, name, self.names()))


def xl(*argv, **more):
    return g.run('xl', *argv, **more)


def timed(*argv):
    begun = time.monotonic()
    xl(*argv)
    return time.monotonic() - begun


def module(name):
    return glob.glob('%s/kernel/lib/modules/*/kernel/%s*' % (os.environ['HVMD_CACHE'], name))[0]


def ejector(x):
    """The program "eject", which the guest's busybox lacks."""
    source, program = x.dir + '/eject.c', x.dir + '/eject'
    with open(source, 'w') as f:
        f.write('#include <fcntl.h>\n#include <linux/cdrom.h>\n#include <sys/ioctl.h>\n'
                'int main(int c, char **v) { return ioctl(open(v[1], O_RDONLY | O_NONBLOCK), CDROMEJECT, 0) != 0; }\n')
    g.run('gcc', '-O2', '-static', '-s', source, '-o', program)
    return program


def iso(x, name, *files):
    """A CD with a file that holds its name, and others."""
    tree = '%s/%s.d' % (x.dir, name)
    os.makedirs(tree)
    with open(tree + '/name', 'w') as f:
        f.write(name + '\n')
    for f in files:
        shutil.copy(f, tree)
    path = '%s/%s.iso' % (x.dir, name)
    g.run('xorriso', '-as', 'mkisofs', '-quiet', '-R', '-V', name, '-o', path, tree)
    return path


def queries(x, con):
    row = [line for line in xl('list').splitlines() if line.startswith(x.name + ' ')]
    want('xl list', [r.split()[1:4:2] for r in row], [[str(x.domid), '1']])
    want('xl list -l', '"name": "%s"' % x.name in xl('list', '-l', x.name), True)
    want('xl domname', xl('domname', str(x.domid)).strip(), x.name)
    want('xl vm-list', x.name in xl('vm-list'), True)
    want('xl uptime', bool(re.search(r'%s +%d +\d' % (x.name, x.domid), xl('uptime', x.name))), True)
    want('xl vcpu-list', len(re.findall(r'(?m)^%s +%d +\d' % (x.name, x.domid), xl('vcpu-list', x.name))), 2)
    want('xl block-list', len(xl('block-list', x.name).splitlines()), 4)
    want('xl network-list', len(xl('network-list', x.name).splitlines()), 1)
    want('query-uuid', x.qmp('query-uuid')['UUID'] in xl('list', '-v', x.name), True)
    xl('rename', x.name, 'renamed')
    want('xl domid after rename', xl('domid', 'renamed').strip(), str(x.domid))
    xl('rename', 'renamed', x.name)
    xl('pause', x.name)
    n = con.send('echo')
    time.sleep(1.5)
    want('xl list of a paused guest', '--p---' in xl('list', x.name), True)
    want('answer of a paused guest', '@END %d ' % n in x.serial(), False)
    xl('unpause', x.name)
    x.wait_serial('@END %d ' % n, 20)
    for cmd in ('info', 'dmesg', 'cpupool-list', 'sched-credit2', 'sharing', 'debug-keys h'):
        xl(*cmd.split())


def monitor(x, name):
    def ask(line):
        return xl('qemu-monitor-command', x.name, line).replace('\r', '').strip()

    want('info block', '%s (raw, read-only)' % name in ask('info block'), True)
    want('info status', ask('info status'), 'VM status: running')
    want('info name', ask('info name'), x.name)
    want('info pci', all(s in ask('info pci') for s in ('8086:1237', '8086:7010', '5853:0001', '1234:1111')), True)
    want('info vnc', '127.0.0.1:59' in ask('info vnc'), True)
    want('info chardev', 'serial0: filename=pty:/dev/pts/' in ask('info chardev'), True)
    want('what there is not', ask('info frobnicate'), "unknown command: 'info frobnicate'")
    dump = x.dir + '/dump.ppm'
    ask('screendump ' + dump)
    with open(dump, 'rb') as f:
        want('screendump', f.read(2), b'P6')


def media(x, con, events, isos):
    """Each time the guest reads what is in the drive now."""
    def name():
        return con.ask('mount -t iso9660 -o ro $(cat /cd) /c && cat /c/name')

    want('CD at start', name(), 'one')
    con.ask('insmod /c/evdev.ko && insmod /c/button.ko && cp /c/eject /bin/')
    # mounted, so locked: the guest is asked, does not care, and then it is done all the same
    took = timed('cd-eject', x.name, 'hdc')
    note('cd-eject from a mounted CD %.1f s' % took)
    want('that it was asked first', took > 4, True)
    con.ask('umount /c')
    con.ask('head -c 2048 $(cat /cd) > /dev/null 2>&1', status=1)
    events.wait('DEVICE_TRAY_MOVED')
    note('cd-insert %.1f s' % timed('cd-insert', x.name, 'hdc', isos['two']))
    want('CD after cd-insert', name(), 'two')
    # the guest gives it up when it is asked
    con.send('sleep 2; umount /c; eject $(cat /cd)')
    took = timed('cd-insert', x.name, 'hdc', isos['three'])
    note('cd-insert where the guest ejects %.1f s' % took)
    want('CDs that were not given up', x.dm_log().count('does not give up'), 1)
    con.ask('echo')
    want('CD after that', name(), 'three')
    con.ask('umount /c')
    for disc in ('one', 'two', 'three'):
        xl('cd-insert', x.name, 'hdc', isos[disc])
        want('CD after another', name(), disc)
        con.ask('umount /c')
    xl('cd-eject', x.name, 'hdc')
    xl('cd-eject', x.name, 'hdc')
    want('query-block of an empty drive', 'inserted' in [
        b for b in x.qmp('query-block') if b['removable']][0], False)
    xl('cd-insert', x.name, 'hdc', isos['three'])
    monitor(x, isos['three'])


def cpus(x, con):
    up = 'for d in /sys/devices/system/cpu/cpu1; do [ ! -e $d ] || [ $(cat $d/online) = 1 ] || echo 1 > $d/online; done; nproc'

    def see(count):
        g.wait(lambda: con.ask(up, status=None) == count, 30, 'no %s CPUs in the guest' % count)

    see('1')
    want('query-cpus-fast', len(x.qmp('query-cpus-fast')), 1)
    xl('vcpu-set', x.name, '2')
    see('2')
    want('query-cpus-fast', len(x.qmp('query-cpus-fast')), 2)
    xl('vcpu-set', x.name, '1')
    see('1')
    want('query-cpus-fast', len(x.qmp('query-cpus-fast')), 1)
    xl('vcpu-set', x.name, '2')
    see('2')


def xentop(x):
    """The CD's numbers come from query-blockstats; xentop waits 10 ms for them, so that on a
    busy machine it goes without now and then."""
    text = g.run('xentop', '-b', '-i', '5', '-d', '1')
    head = [line.split() for line in text.splitlines() if 'VBD_RD' in line][-1]
    row = [line.split() for line in text.splitlines() if line.split()[:1] == [x.name]]
    want('rows of xentop', len(row), 5)
    # the heading has blanks in what is one column each: from the right they agree
    reads = max(int(r[head.index('VBD_RD') - len(head)]) for r in row)
    note('xentop: %d reads' % reads)
    want('reads in xentop', reads > 0, True)


def viewer(x, events):
    """xl vncviewer starts "vncviewer"; this one says what it was given."""
    folder = x.dir + '/bin'
    os.makedirs(folder)
    with open(folder + '/vncviewer', 'w') as f:
        f.write('#!/bin/sh\necho "$@" > %s/argv\n' % folder)
    os.chmod(folder + '/vncviewer', 0o755)
    subprocess.run(['xl', 'vncviewer', x.name], env=dict(os.environ, PATH=folder + ':' + os.environ['PATH']), check=True)
    g.wait(lambda: os.path.exists(folder + '/argv') and os.path.getsize(folder + '/argv'), 10, 'no viewer started')
    port = int(g.xenstore('/local/domain/%d/console/vnc-port' % x.domid))
    want('what vncviewer is given', open(folder + '/argv').read().strip(), '127.0.0.1:%d' % (port - 5900))
    c = x.connect()
    c.full()
    want('query-vnc', [v['host'] for v in x.qmp('query-vnc')['clients']], ['127.0.0.1'])
    c.close()
    for name in ('VNC_CONNECTED', 'VNC_INITIALIZED', 'VNC_DISCONNECTED'):
        events.wait(name)


def button(x, con):
    """Counts the power button, as the guest's ACPI sees it; holds what is pressed."""
    con.ask('power=; for e in /sys/class/input/event*; do '
            'case $(cat $e/device/name) in "Power Button") power=/dev/input/${e##*/} ;; esac; done; [ -c "$power" ]')
    n = con.send('dd if=$power of=/dev/null bs=24 count=1 2> /dev/null')
    press(x, lambda: '@END %d 0' % n in x.serial())


def press(x, done):
    """The power button, once more when the guest was not yet looking."""
    for _ in range(5):
        time.sleep(1)
        xl('trigger', x.name, 'power')
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if done():
                return
            time.sleep(0.2)
    raise Failed('the guest does not see its power button')


def shutdown(x, con):
    """The button again, and the guest does what guests do then."""
    con.send('dd if=$power of=/dev/null bs=24 count=1 2> /dev/null; poweroff -f')
    press(x, lambda: x.current() is None)


def xl_emulated():
    """A guest without PV drivers: its console is a pty, its CD changes, CPUs come and go,
    its power button is pressed."""
    x = new('xl', vcpus=1, maxvcpus=2, serial='pty')
    isos = {'one': iso(x, 'one', module('drivers/input/evdev.ko'), module('drivers/acpi/button.ko'), ejector(x)),
            'two': iso(x, 'two'), 'three': iso(x, 'three')}
    x.config['disk'] = [x.image('linux.img', cmdline='t=nic') + ',raw,hda,rw', x.script(OBEY) + ',raw,hdb,rw',
                        isos['one'] + ',raw,hdc:cdrom,r']
    x.create()
    con, events, errors = Console(x), Events(x), []
    try:
        x.wait_serial('@OBEYS', 120)
        con.ask('echo', 20)
        for part, *args in ((queries, con), (media, con, events, isos), (cpus, con), (viewer, events), (xentop,),
                            (button, con), (shutdown, con)):
            try:
                begun = time.monotonic()
                part(x, *args)
                note('%s %.0f s' % (part.__name__, time.monotonic() - begun))
            except (Failed, subprocess.TimeoutExpired) as e:  # the other parts are of interest all the same
                errors.append('%s: %s' % (part.__name__, e))
        if errors:
            raise Failed('; '.join(errors))
    finally:
        con.close()
        with open(OUT + '/xl-events.json', 'w') as f:
            json.dump(events.got, f, indent=1)
    want('the last events', events.names()[-1:], ['SHUTDOWN'])
    want('event of the tray', 'DEVICE_TRAY_MOVED' in events.names(), True)


SERVANT = '''
mkdir -p /sbin
for a in poweroff reboot; do
    printf '#!/bin/sh\\nsay() { echo "@$*" > /dev/ttyS0; }\\nsay CALLED %s\\nexec /bin/busybox %s -f\\n' $a $a > /sbin/$a
    chmod +x /sbin/$a
done
echo 1 > /proc/sys/kernel/sysrq
echo 7 > /proc/sys/kernel/printk
say "SERVES"
while :; do
    sleep 1
    say "MEM $(awk '/MemTotal/ {print $2}' /proc/meminfo)"
    say "SEES $(cd /sys/class && ls -d block/xvd? net/eth* 2> /dev/null | tr '\\n' ' ')"
done
'''


def attach(x):
    """PV devices come and go; they are dom0's, not the device model's."""
    def sees(what, yes):
        g.wait(lambda: (what in re.findall('@SEES(.*)', x.serial())[-1]) == yes, 40,
               'the guest still has %s %s' % ('no' if yes else 'a', what))

    image = x.script('more', 'more')
    xl('block-attach', x.name, image + ',raw,xvde,rw')
    sees('block/xvde', True)
    xl('block-detach', x.name, 'xvde')
    sees('block/xvde', False)
    xl('network-attach', x.name, 'mac=00:16:3e:50:56:02,bridge=xenbr0,type=vif')
    sees('net/eth0', True)
    xl('network-detach', x.name, '0')
    sees('net/eth0', False)


def xl_pv():
    """A guest with PV drivers: it hears of what is written for it in xenstore."""
    x = new('xlpv', memory=320, on_reboot='restart')
    x.config['disk'] = [x.image('pv.img') + ',raw,hda,rw', x.script(SERVANT) + ',raw,hdb,rw', cd('cd.iso', 'hdd')]
    x.create()
    x.wait_serial('@SERVES', 120)
    xl('sysrq', x.name, 'h')
    x.wait_serial('(?i)sysrq: HELP', 20)
    first = int(x.wait_serial(r'@MEM (\d+)', 20)[1])
    xl('mem-set', x.name, '256')
    g.wait(lambda: int(re.findall(r'@MEM (\d+)', x.serial())[-1]) < first - 40000, 60, 'the balloon does not grow')
    xl('mem-set', x.name, '320')
    g.wait(lambda: int(re.findall(r'@MEM (\d+)', x.serial())[-1]) > first - 4000, 60, 'the balloon does not shrink')
    want('CD beside PV drivers', len(x.qmp('query-block')), 1)
    path = iso(x, 'beside')
    xl('cd-insert', x.name, 'hdd', path)
    want('the CD put in', x.qmp('query-block')[0]['inserted']['file'], path)
    attach(x)
    old = x.domid
    xl('reboot', x.name)
    x.wait_serial('@CALLED reboot', 40)
    g.wait(lambda: x.current() not in (None, old), 60, 'no new domain after xl reboot')
    pid = lambda: g.xenstore('/local/domain/%s/image/device-model-pid' % x.current())  # noqa: E731
    g.wait(lambda: pid().isdigit(), 30, 'no device model after xl reboot')
    x.find()
    g.wait(lambda: x.serial().count('@SERVES') >= 2 or ('@SERVES' in x.serial() and '@CALLED' not in x.serial()), 120,
           'the guest does not come back')
    xl('shutdown', '-w', x.name, timeout=60)
    g.wait(lambda: x.current() is None, 20, 'the domain is still there after xl shutdown')


TESTS = (xl_emulated, xl_pv)

# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's libxl driver: a guest whose <emulator> is hvmd, under virsh."""
import os
import pty
import re
import shutil
import signal
import subprocess
import termios
import threading
import time
from xml.sax.saxutils import escape

import guest as g
from bed import DM, OUT, guests, note, want
from guest import Failed, Guest

URI = 'xen:///system'
LIBXL_LOG = '/var/log/libvirt/libxl/libxl-driver.log'
SOCKET = '/run/libvirt/libvirt-sock'
DRIVERS = '/usr/lib/x86_64-linux-gnu/libvirt/connection-driver'
PASSWORD = 'secret'
MAC = '00:16:3e:50:57:01'

# Nothing in the guest answers to Xen's shutdown but /sbin/poweroff, and nobody logs in
# on the serial line unless something listens there.
JOB = '''
mkdir -p /sbin
for i in poweroff reboot; do
    printf '#!/bin/busybox sh\\n/bin/%s -f\\n' $i > /sbin/$i
    chmod 755 /sbin/$i
done
(while :; do setsid getty -L 115200 ttyS0 vt100; sleep 1; done) &
'''

XML = '''<domain type='xen'>
  <name>{name}</name>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type>hvm</type><boot dev='hd'/><boot dev='cdrom'/></os>
  <features><acpi/><apic/><pae/></features>
  <clock offset='utc'><timer name='tsc' mode='native'/></clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>{emulator}</emulator>
    <disk type='file' device='disk'><source file='{hda}'/><target dev='hda' bus='ide'/></disk>
    <disk type='file' device='disk'><source file='{hdb}'/><target dev='hdb' bus='ide'/></disk>
    <disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>
    <interface type='bridge'>
      <mac address='{mac}'/><source bridge='xenbr0'/><model type='rtl8139'/>
    </interface>
    <serial type='pty'/>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' autoport='yes' listen='127.0.0.1' keymap='en-us' passwd='{password}'/>
  </devices>
</domain>
'''


class Daemon:
    """libvirtd with its libxl driver alone, without systemd, D-Bus and polkit."""

    def __init__(self):
        # Every model in libvirt's list wants VME or SYSENTER; the emulated machine's CPU
        # has no VME, and Xen hides SYSENTER on AMD. dom0's files are a throw-away copy.
        path = '/usr/share/libvirt/cpu_map/x86_486.xml'
        text = open(path).read()
        with open(path, 'w') as f:
            f.write(re.sub(r" *<feature name='vme'/>\n", '', text))
        home = '/tmp/libvirt'
        os.makedirs(home + '/drivers', exist_ok=True)
        driver = '/libvirt_driver_libxl.so'
        if not os.path.exists(home + '/drivers' + driver):
            os.symlink(DRIVERS + driver, home + '/drivers' + driver)
        self.log = OUT + '/virt-libvirtd.log'
        with open(home + '/libvirtd.conf', 'w') as f:
            f.write('auth_unix_ro = "none"\nauth_unix_rw = "none"\nlog_outputs = "3:file:%s"\n' % self.log)
        begun = time.monotonic()
        with open(OUT + '/virt-libvirtd.out', 'w') as f:
            self.p = subprocess.Popen(['libvirtd', '-f', home + '/libvirtd.conf'], stdin=subprocess.DEVNULL, stdout=f,
                                      stderr=subprocess.STDOUT,
                                      env=dict(os.environ, LIBVIRT_DRIVER_DIR=home + '/drivers'))
        try:
            g.wait(self.answers, 60, 'libvirtd does not answer')
        except BaseException:
            self.stop()
            raise
        self.started = time.monotonic() - begun

    def answers(self):
        if self.p.poll() is not None:
            raise Failed('libvirtd ended: ' + open(self.log).read()[-900:])
        return os.path.exists(SOCKET) and 'Domain-0' in virsh('list', check=False)

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        try:
            self.p.wait(20)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
        if os.path.exists(LIBXL_LOG):
            shutil.copyfile(LIBXL_LOG, OUT + '/virt-libxl.log')


def virsh(*argv, check=True):
    return g.run('virsh', '-q', '-c', URI, *argv, check=check)


class Console:
    """"virsh console" on a terminal of its own; what it shows is added to a file."""

    def __init__(self, name, path):
        self.master, slave = pty.openpty()
        self.p = subprocess.Popen(['virsh', '-q', '-c', URI, 'console', name], stdin=slave, stdout=slave, stderr=slave,
                                  start_new_session=True)
        os.close(slave)
        self.thread = threading.Thread(target=self.copy, args=(path,), daemon=True)
        self.thread.start()

    def copy(self, path):
        with open(path, 'ab', buffering=0) as f:
            while True:
                try:
                    data = os.read(self.master, 4096)
                except OSError:  # the other end is closed
                    return
                f.write(data)

    def ready(self):
        """virsh throws away what was typed before it made its terminal raw."""
        return not termios.tcgetattr(self.master)[3] & termios.ECHO

    def type(self, text):
        os.write(self.master, text.encode())

    def close(self, limit=10):
        """Leaves by the escape character; returns whether virsh ended by itself."""
        if self.p.poll() is None:
            self.type('\x1d')
        try:
            self.p.wait(limit)
            left = True
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            left = False
        self.thread.join(5)
        if self.master is not None:
            os.close(self.master)
            self.master = None
        return left


class VirtGuest(Guest):
    """A domain that libvirt defines and starts; its serial line is "virsh console"."""

    def define(self, job):
        self.password = PASSWORD
        self.lines = None
        path = self.dir + '/domain.xml'
        with open(path, 'w') as f:
            f.write(XML.format(
                name=self.name, emulator=escape(self.config['device_model_override']), mac=MAC, password=PASSWORD,
                hda=self.image('linux.img', cmdline='t=bench'), hdb=self.script(job)))
        virsh('define', path)

    def start(self, *argv):
        g.run('xl', 'dmesg', '-c')
        begun = time.monotonic()
        try:
            virsh(*argv)
        except Failed as e:
            raise Failed('%s; device model said: %s' % (e, self.dm_log()[-500:])) from None
        self.created = time.monotonic() - begun
        self.find()
        self.listen()

    def listen(self):
        self.lines = Console(self.name, self.serial_file)
        g.wait(self.lines.ready, 20, '"virsh console" does not take the terminal')

    def state(self):
        return virsh('domstate', self.name).strip()

    def wait_off(self, limit=40):
        """The state is told first, the number goes when all is taken down."""
        g.wait(lambda: virsh('domid', self.name).strip() == '-', limit, 'it is not off')
        want('state', self.state(), 'shut off')

    def gone(self, domid):
        g.wait(lambda: not g.processes_of(domid), 10, 'processes of its device model are still there')

    def since(self, begin, pattern, limit):
        """Waits for pattern on the serial line behind that many characters."""
        end = time.monotonic() + limit
        while True:
            m = re.search(pattern, self.serial()[begin:])
            if m:
                return m
            self.check()
            if time.monotonic() > end:
                raise Failed('no "%s" on the console in %d s; it ends: %r' % (pattern, limit, self.serial()[-300:]))
            time.sleep(0.3)

    def answer(self, line, pattern, limit=30):
        begin = len(self.serial())
        self.lines.type(line)
        return self.since(begin, pattern, limit)


def libvirt():
    """start, what is told of the guest, console, screen, CD, save, restore, shutdown and
    destroy, all by virsh."""
    daemon = Daemon()
    note('libvirtd answered after %.1f s' % daemon.started)
    x = VirtGuest('virt', DM, OUT)
    guests.append(x)
    try:
        under_virsh(x)
    finally:
        if x.lines:
            x.lines.close(1)
        daemon.stop()


def under_virsh(x):
    x.define(JOB)
    x.start('start', x.name)
    note('"virsh start" took %.1f s' % x.created)
    with open(OUT + '/virt-argv', 'w') as f:
        f.write(open('/proc/%d/cmdline' % x.pid).read().replace('\0', '\n'))
    told(x)
    x.wait_serial('@JOBDONE', 150)
    console(x)
    x.wait_screen('login:', 60)
    x.shot('virt')
    commands = {c['name'] for c in x.qmp('query-commands')}
    if 'blockdev-change-medium' in commands:
        medium(x)
    if 'xen-save-devices-state' in commands:
        saved(x)
    virsh('shutdown', x.name)
    x.wait_off()
    x.gone(x.domid)
    want('"virsh console" ended with the guest', x.lines.p.wait(10), 0)
    x.lines.close()
    x.disconnect()
    x.start('start', x.name, '--paused')
    want('state', x.state(), 'paused')
    x.screen()
    virsh('resume', x.name)
    want('state', x.state(), 'running')
    virsh('destroy', x.name)
    want('state after "destroy"', x.state(), 'shut off')
    x.disconnect()
    x.gone(x.domid)
    virsh('undefine', x.name)


def told(x):
    """What virsh says of a guest that runs; asked at once, as each start of it takes a
    second."""
    questions = ('dominfo', 'vncdisplay', 'domdisplay', 'ttyconsole', 'domblklist', 'domiflist', 'domstate')
    said = virsh('list; ' + '; '.join('echo @; %s %s' % (q, x.name) for q in questions)).split('@')
    row = re.search(r'(?m)^ *(\d+) +%s +(\w+)' % x.name, said[0])
    want('"list"', row and row.groups(), (str(x.domid), 'running'))
    said = dict(zip(questions, said[1:]))
    info = dict(re.findall(r'(?m)^([^:\n]+): +(.+?) *$', said['dominfo']))
    want('"dominfo"', (info['OS Type'], info['State'], info['CPU(s)']), ('hvm', 'running', '1'))
    display = '127.0.0.1:%d' % (int(g.xenstore('/local/domain/%d/console/vnc-port' % x.domid)) - 5900)
    want('"vncdisplay"', said['vncdisplay'].strip(), display)
    want('"domdisplay"', said['domdisplay'].strip(), 'vnc://' + display)
    want('"ttyconsole"', said['ttyconsole'].strip(), g.xenstore('/local/domain/%d/serial/0/tty' % x.domid))
    disks = dict(re.findall(r'(?m)^ *(hd\w) +(\S+)', said['domblklist']))
    want('"domblklist"', disks, {'hda': x.dir + '/linux.img', 'hdb': x.dir + '/job', 'hdc': '-'})
    want('"domiflist"', re.findall(r'(?m)(\S+) +bridge +(\S+) +(\S+) +(\S+)', said['domiflist']),
         [('vif%d.0-emu' % x.domid, 'xenbr0', 'rtl8139', MAC)])
    want('"domstate"', said['domstate'].strip(), 'running')


def console(x):
    """Logs in by the console, leaves it and comes back."""
    x.answer('\r', 'login:')
    x.answer('root\r', '/root #')
    x.answer('echo typed $((6*7)) by virsh\r', 'typed 42 by virsh')
    want('"virsh console" ended at its escape character', x.lines.close(), True)
    x.listen()
    x.answer('echo back $((6*8))\r', 'back 48')


def medium(x):
    """A CD comes into the empty drive and goes."""
    iso = g.IMAGES + '/memtest.iso'
    virsh('change-media', x.name, 'hdc', iso, '--insert', '--live')
    size = os.path.getsize(iso) // 512
    x.answer('for d in /sys/block/sr*; do head -c 1 /dev/${d##*/} > /dev/null; cat $d/size; done\r', r'(?m)^%d$' % size)
    virsh('change-media', x.name, 'hdc', '--eject', '--live')


def saved(x):
    """Saved by "managedsave", which is "save" to a file of libvirt's choice, and started."""
    x.answer('kept=$((7*6)); echo kept\r', '(?m)^kept$')
    before = x.domid
    x.disconnect()
    begun = time.monotonic()
    virsh('managedsave', x.name)
    note('"virsh managedsave" took %.1f s' % (time.monotonic() - begun))
    x.wait_off()
    x.gone(before)
    x.lines.close()
    x.start('start', x.name)
    note('"virsh start" took %.1f s' % x.created)
    x.answer('echo "it is $kept"\r', 'it is 42')
    x.wait_screen('login:', 20)


TESTS = (libvirt,)

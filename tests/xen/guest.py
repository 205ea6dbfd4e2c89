# SPDX-License-Identifier: GPL-2.0-or-later
"""HVM guests under xl, as tests in dom0 see them."""
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import rfb
import screen

PEER = '/usr/libexec/xen-qemu-system-i386'
IMAGES = os.environ.get('HVMD_CACHE', '') + '/guests'
VGA_ROM = '/usr/share/seabios/vgabios-stdvga.bin'
# Limits are those of a quiet machine; one that is busy is no fault of the guest's.
PATIENCE = 2
reader = screen.Reader(screen.font_of_rom(VGA_ROM))


class Failed(Exception):
    """What a test expected did not happen."""


class Lost(Exception):
    """The CPU emulator killed the guest; the test may be repeated."""


def run(*argv, check=True, timeout=120):
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors='replace', timeout=timeout, check=False)
    if check and p.returncode:
        raise Failed('%s: %s' % (' '.join(argv[:3]), p.stdout.strip()[:900]))
    return p.stdout


def wait(condition, limit, message, pause=0.2):
    """Waits for condition() to be true."""
    end = time.monotonic() + limit * PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Failed('%s in %d s' % (message, limit * PATIENCE))
        time.sleep(pause)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def xenstore(path):
    return run('xenstore-read', path, check=False).strip()


def device_model(path):
    """The path as dom0 sees it: the host's /tmp is hidden by dom0's own."""
    return '/host' + path if path.startswith(('/tmp/', '/run/')) else path


def processes_of(domid):
    """Processes that carry the mark libxl gives a device model and what it starts."""
    mark, found = b'XEN_DOMAIN_ID=%d' % domid, []
    for d in os.listdir('/proc'):
        if d.isdigit():
            try:
                if mark in open('/proc/%s/environ' % d, 'rb').read().split(b'\0'):
                    found.append(int(d))
            except OSError:
                pass
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def sweep():
    """Destroys what domains are left, those without a name yet among them, and their
    device models."""
    for domid in (int(n) for n in run('xenstore-list', '/local/domain', check=False).split() if n.isdigit()):
        if domid:
            run('xl', 'destroy', str(domid), check=False)
            for pid in processes_of(domid):
                kill(pid)


class Guest:
    """One domain. Its files are in /tmp/guests/NAME; shots and logs go to OUT."""

    def __init__(self, name, dm, out='/share', **config):
        self.name, self.out, self.dir = name, out, '/tmp/guests/' + name
        self.domid = self.pid = self.vnc = None
        self.console, self.console_at = '', 0.0
        self.unseen, self.figures, self.vcpus, self.ended = 'nobody looked', {}, [], False
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        self.serial_file = self.dir + '/serial'
        self.password = config.get('vncpasswd')
        self.config = {
            'name': name, 'type': 'hvm', 'memory': 256, 'vcpus': 1, 'vga': 'stdvga', 'videoram': 16,
            'vnc': 1, 'vnclisten': '127.0.0.1', 'vncunused': 1, 'serial': 'file:' + self.serial_file,
            'boot': 'c', 'usb': 0, 'tsc_mode': 'native', 'vif': [], 'on_crash': 'destroy',
            'on_poweroff': 'destroy', 'on_reboot': 'destroy',
            'device_model_version': 'qemu-xen', 'device_model_override': device_model(dm)}
        self.config.update(config)

    def image(self, source, name=None, cmdline=None):
        """Copies an image for the guest to write to; cmdline replaces the kernel's."""
        path = '%s/%s' % (self.dir, name or source)
        shutil.copyfile('%s/%s' % (IMAGES, source), path)
        if cmdline is not None:
            with open(path, 'r+b') as f:
                f.seek(64 * 512 + 16)
                old = f.read(1000).split(b'\0')[0]
                f.seek(64 * 512 + 16)
                f.write(old + b' ' + cmdline.encode() + b'\0')
        return path

    def script(self, text, name='job'):
        """A disk that holds a shell script, for guests that look for one on theirs."""
        path = '%s/%s' % (self.dir, name)
        with open(path, 'wb') as f:
            f.write(text.encode())
            f.truncate(1 << 20)
        return path

    def qmp(self, command, **arguments):
        """One QMP command by libxl's socket; returns the answer or raises Failed."""
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        try:
            s.connect('/var/run/xen/qmp-libxl-%d' % self.domid)
            f = s.makefile('rw')
            for line in ({'execute': 'qmp_capabilities'}, {'execute': command, 'arguments': arguments}):
                f.write(json.dumps(line) + '\n')
                f.flush()
                while True:
                    answer = json.loads(f.readline() or '{"error": "the connection ended"}')
                    if 'error' in answer:
                        raise Failed('QMP %s: %s' % (command, answer['error']))
                    if 'return' in answer:
                        break
            return answer['return']
        except OSError as e:
            raise Failed('QMP %s: %s' % (command, e)) from None
        finally:
            s.close()

    def create(self, paused=False):
        path = self.dir + '/config'
        with open(path, 'w') as f:
            for k, v in self.config.items():
                f.write('%s=%s\n' % (k, json.dumps(v)))
        run('xl', 'dmesg', '-c')
        self.console = ''
        begun = time.monotonic()
        try:
            run('xl', 'create', *(['-p'] if paused else []), path)
        except Failed as e:
            raise Failed('%s; device model said: %s' % (e, self.dm_log()[-500:])) from None
        self.created = time.monotonic() - begun
        self.find()

    def current(self):
        """The number of the domain that has this name now, or None."""
        n = run('xl', 'domid', self.name, check=False).strip()
        return int(n) if n.isdigit() else None

    def find(self):
        self.domid = self.current()
        if self.domid is None:
            raise Failed('there is no domain ' + self.name)
        self.pid = int(xenstore('/local/domain/%d/image/device-model-pid' % self.domid))
        self.ended = False

    def dm_log(self):
        try:
            return open('/var/log/xen/qemu-dm-%s.log' % self.name, errors='replace').read()
        except OSError:
            return ''

    def check(self, console=False):
        """Raises when the guest or its device model has gone. Xen's console is read only
        every few seconds, or when asked: starting xl takes CPU time from the guest."""
        try:
            state = open('/proc/%d/stat' % self.pid).read().rsplit(')', 1)[1].split()[0]
        except OSError:
            state = 'Z'
        if console or state == 'Z' or time.monotonic() > self.console_at + 4:
            self.console_at = time.monotonic()
            self.console += run('xl', 'dmesg', '-c', check=False)
            # only what shows Xen's own address as the guest's is the CPU emulator's doing
            m = re.search(r'd%d\D.*Triple fault(?s:.)*?RIP:.*' % self.domid, self.console)
            if m and 'RIP:    e008:[<ffff82' in m[0]:
                raise Lost(m[0].splitlines()[-1])
            if m:
                raise Failed('the guest died of a triple fault: ' + m[0].splitlines()[-1])
        if state == 'Z':
            raise Failed('the device model has gone; it said: ' + self.dm_log()[-500:])

    def serial(self):
        try:
            return open(self.serial_file, errors='replace').read().replace('\r', '')
        except OSError:
            return ''

    def wait_serial(self, pattern, limit):
        end, cut = time.monotonic() + limit * PATIENCE, None
        while True:
            text = self.serial()
            m = re.search(pattern, text)
            # what ends the text may be the first half of something
            if m and (m.end() < len(text) or text == cut):
                return m
            cut = text
            error = re.search('@ERROR.*', text)
            if error:
                raise Failed('guest: ' + error[0])
            self.check()
            if time.monotonic() > end:
                raise Failed('no "%s" on the serial line in %d s; it ends: %r' % (
                    pattern, limit * PATIENCE, self.serial()[-300:]))
            time.sleep(0.5)

    def connect(self, **more):
        port = int(xenstore('/local/domain/%d/console/vnc-port' % self.domid))
        return rfb.Rfb('127.0.0.1', port, self.password, **more)

    def screen(self):
        """The screen's text, read from a whole frame."""
        if self.vnc is None:
            self.vnc = self.connect()
        try:
            self.vnc.full()
        except (rfb.RfbError, OSError):
            self.vnc = None
            raise
        return reader.text(self.vnc)

    def wait_screen(self, pattern, limit, pause=1.0):
        end, text = time.monotonic() + limit * PATIENCE, ''
        while True:
            text = self.screen()
            m = re.search(pattern, text)
            if m:
                return m
            self.check()
            if time.monotonic() > end:
                raise Failed('no "%s" on the screen in %d s; it shows: %r' % (
                    pattern, limit * PATIENCE, text[-600:]))
            time.sleep(pause)

    def shot(self, name):
        if self.vnc is not None:
            self.vnc.png('%s/%s.png' % (self.out, name))

    def login(self, prompt='login:'):
        """Logs in on the guest's VGA console by its keyboard."""
        self.wait_screen(prompt, 60)
        self.vnc.type('root\n')
        self.wait_screen('/root #', 30)

    def command(self, line, pattern, limit=30):
        self.vnc.type(line + '\n')
        return self.wait_screen(pattern, limit)

    def disconnect(self):
        if self.vnc is not None:
            self.vnc.close()
            self.vnc = None

    def explain(self):
        """What may explain a failure, for readers who have the output only: at most some
        80 lines of what "keep" has found."""
        if self.ended:
            return ['guest "%s" had been destroyed before' % self.name]
        def tail(what, text, count):
            lines = [line for line in text.replace('\r', '').splitlines() if line.strip()][-count:]
            return [what + ' ends:'] + lines if lines else [what + ' is empty']

        out = tail('guest "%s": its serial line' % self.name, self.serial(), 15)
        out += tail("the device model's log", self.dm_log(), 12)
        out += tail("Xen's console", self.console, 12)
        out += self.vcpus
        for card in self.figures.get('nics', []):
            out.append('its card %s: %s' % (card.get('id'), ', '.join(
                '%s %s' % i for i in card.items() if i[0].startswith(('rx', 'tx', 'int', 'drop')))))
        try:
            out += screen.describe(reader, self.vnc) if self.vnc else ['its screen cannot be seen: ' + self.unseen]
        except IndexError:  # the limit of the job came while a frame was coming
            out.append('its screen was about to change')
        return [''.join(c if c.isprintable() else '?' for c in line[:240]) for line in out]

    def keep(self, label):
        """Keeps what may explain a failure."""
        try:
            self.screen()
            self.shot(label)
        except (rfb.RfbError, OSError, ValueError, Failed, TypeError) as e:
            self.disconnect()
            self.unseen = '%s: %s' % (type(e).__name__, e)
        try:
            self.figures = self.qmp('query-hvmd-stats')
        except (Failed, ValueError, TypeError):  # not hvmd, or not there any more
            pass
        self.console += run('xl', 'dmesg', '-c', check=False)
        self.vcpus = self.where()
        with open('%s/%s.xen' % (self.out, label), 'w') as f:
            f.write(self.console)
        with open('%s/%s.dom0' % (self.out, label), 'w') as f:
            for argv in (('xl', 'list'), ('dmesg',), ('free', '-m'), ('df', '-m', '/tmp', '/')):
                f.write(run(*argv, check=False))
        for source, suffix in ((self.serial_file, 'serial'), ('/var/log/xen/qemu-dm-%s.log' % self.name, 'dm.log')):
            if os.path.exists(source):
                shutil.copyfile(source, '%s/%s.%s' % (self.out, label, suffix))

    def where(self):
        """Where its vCPUs are, asked three times: whether it goes on, and in what."""
        out = []
        for _ in range(3 if self.domid and not self.ended else 0):
            text = run(*glob.glob('/usr/lib/xen-*/bin/xenctx')[:1], '-a', str(self.domid), check=False)
            out += ['vCPU ' + ''.join(m).strip() for m in re.findall(r'(?m)^(cs:eip:.*|rip:.*)$|^(flags:.*)$', text)]
            time.sleep(0.1)
        return out

    def forsake(self):
        """Ends the xl that watches the domain: at a reboot, and a guest lost to a triple
        fault counts as one, it would make the next domain while this one is destroyed."""
        for d in os.listdir('/proc'):
            try:
                argv = open('/proc/%s/cmdline' % d, 'rb').read().split(b'\0') if d.isdigit() else []
            except OSError:
                continue
            if b'create' in argv and (self.dir + '/config').encode() in argv:
                kill(int(d))

    def destroy(self):
        """Destroys the domain; returns the processes that outlive it by 5 s."""
        self.disconnect()
        self.forsake()
        run('xl', 'destroy', self.name, check=False)
        self.ended = True
        end, left = time.monotonic() + 5, []
        while self.domid is not None and time.monotonic() < end:
            left = processes_of(self.domid)
            if not left:
                break
            time.sleep(0.2)
        shutil.rmtree(self.dir, ignore_errors=True)
        return left

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of hvmctl against control sockets: those of a fixture that has hvmd's own
server behind them, and those of servers nobody should meet.

hvmctl_test.py HVMCTL FIXTURE [unittest arguments]
"""
import concurrent.futures
import fcntl
import json
import os
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest
import zlib

HVMCTL, FIXTURE = map(os.path.abspath, sys.argv[1:3])
WAIT = 30


class Rogue:
    """A control socket that answers as it is told."""

    def __init__(self, path, talk):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.bind(path)
        self.s.listen(8)
        self.talk = talk
        self.conns = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                c = self.s.accept()[0]
            except OSError:
                return
            self.conns.append(c)
            threading.Thread(target=self._client, args=(c,), daemon=True).start()

    def _client(self, c):
        try:
            self.talk(c)
        except OSError:
            pass

    def close(self):
        self.s.shutdown(socket.SHUT_RDWR)
        self.s.close()
        for c in self.conns:
            c.close()


def greet(c):
    c.sendall(b'{"QMP":{"version":{},"capabilities":[]}}\r\n{"return":{}}\r\n')


def answering(answer):
    def talk(c):
        greet(c)
        while c.recv(65536):
            c.sendall(answer)
    return talk


class Case(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.mkdtemp(prefix='hvmctl-')
        self.dir = self.tmp + '/run'
        self.fixtures = {}
        self.rogues = []

    def tearDown(self):
        for p in self.fixtures.values():
            p.kill()
            p.wait()
            p.stdout.close()
        for r in self.rogues:
            r.close()
        shutil.rmtree(self.tmp)

    def hvmd(self, domid, name, *words):
        p = subprocess.Popen([FIXTURE, self.dir, str(domid), name, *words], stdout=subprocess.PIPE, text=True)
        self.fixtures[domid] = p
        self.assertEqual(p.stdout.readline(), 'ready\n')
        return p

    def rogue(self, domid, talk):
        os.makedirs(self.dir, 0o700, exist_ok=True)
        self.rogues.append(Rogue('%s/%d.sock' % (self.dir, domid), talk))

    def ctl(self, *args, status=0, binary=False, env=None):
        p = subprocess.run([HVMCTL, '--dir', self.dir, *args], stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=WAIT, check=False, env={**os.environ, 'TZ': 'UTC', **(env or {})})
        err = p.stderr.decode()
        self.assertEqual(p.returncode, status, err)
        if status:
            self.assertRegex(err, r'^hvmctl: [^\n]+\n$')
            return err
        self.assertEqual(err, '')
        return p.stdout if binary else p.stdout.decode()


class Commands(Case):
    def test_list(self):
        self.assertEqual(len(self.ctl('list').splitlines()), 1)  # nobody there: the titles
        self.hvmd(12, 'debian', 'aside', 'no-memory')
        self.hvmd(3, 'win7')
        rows = self.ctl('list').splitlines()
        self.assertEqual(rows[0].split(), 'DOM NAME STATE VCPUS PID UP CPU PSS IOREQS VIEWERS'.split())
        self.assertEqual(rows[1].split(), ['3', 'win7', 'emulating', '2', str(self.fixtures[3].pid), '1h00m', '1.000s',
                                           '6.2M', '0', '0'])
        self.assertEqual(rows[2].split(), ['12', 'debian', 'stepped', 'aside', '2', str(self.fixtures[12].pid), '1h00m',
                                           '1.000s', '-', '0', '0'])
        self.assertEqual(len({len(r) for r in rows}), 1)  # aligned to the right edge

    def test_status(self):
        self.hvmd(3, 'win7')
        self.hvmd(12, 'debian', 'aside')
        for domain in '3', 'win7':
            text = self.ctl('status', domain)
            self.assertRegex(text, r'(?m)^domain +3 win7$')
            self.assertRegex(text, r'(?m)^state +emulating$')
            self.assertRegex(text, r'(?m)^cpu +1\.\d+s, and 0\.250s for viewers; context switches \d+ voluntary, 0 involun')
            self.assertRegex(text, r'(?m)^memory +6\.2M PSS, 2\.0M private dirty$')
            self.assertRegex(text, r'(?m)^hda +disk, 10G$')
            self.assertRegex(text, r'(?m)^nic0 +rtl8139 00:16:3e:01:02:03$')
            self.assertRegex(text, r'(?m)^screen +VNC at 127\.0\.0\.1:5901, 0 viewers$')
            self.assertRegex(text, r'(?m)^unplug +0 so far; the rescue switch is off$')
        text = self.ctl('status', 'debian')
        self.assertRegex(text, r'(?m)^state +stepped aside$')
        self.assertRegex(text, r'(?m)^hda +disk, unplugged$')
        self.assertRegex(text, r'(?m)^unplug +2 so far, hda nics went at 2023-11-14 22:13:20; the rescue switch is off$')

    def test_stats(self):
        self.hvmd(3, 'win7')
        self.ctl('stats', '3')
        text = self.ctl('stats', '3')
        self.assertRegex(text, r'(?m)^ide +1\.0k +30 +0 +0 +4 +0 +0$')
        self.assertRegex(text, r'(?m)^vga +0 +0 +0 +204 +0 +0 +2$')
        self.assertRegex(text, r'(?m)^hda +disk +attached +10G +10 +40K +5 +2\.0M +0 +0$')
        self.assertRegex(text, r'(?m)^nic0 +attached +100 +146K +0 +0 +3 +0 +1 +0 +40$')
        self.assertRegex(text, r'(?m)^ioreqs +1234, buffered 500, unknown 0, malformed 1$')
        got = json.loads(self.ctl('stats', '3', '--json'))
        self.assertEqual(got['ioreqs']['synchronous'], 2 * 1234)
        self.assertEqual(got['name'], 'win7')

    def test_unplug(self):
        self.hvmd(3, 'win7')
        self.hvmd(12, 'debian', 'aside')
        self.hvmd(13, 'bare', 'no-platform')
        self.assertEqual(self.ctl('unplug', '3'), 'nothing was unplugged\nrescue switch: off\n')
        self.assertEqual(self.ctl('unplug', 'debian').splitlines(), [
            'TIME                 VIA    VALUE  DRIVER  BUILD  WENT',
            '2023-11-14 22:13:20  port  0x0003  linux       1  hda nics',
            '2023-11-14 22:15:00  port  0x0001  0x7777      0  nothing (ignored)',
            'rescue switch: off'])
        self.assertIn('rescue switch: on', self.ctl('unplug', '3', '--ignore-next', 'on'))
        self.assertIn('rescue switch: on', self.ctl('unplug', '3'))
        self.assertIn('rescue switch: off', self.ctl('unplug', '--ignore-next=off', '3'))
        self.assertIn('domain bare: the machine has no Xen platform device', self.ctl('unplug', 'bare', status=1))

    def test_screenshot(self):
        self.hvmd(3, 'win7')
        self.hvmd(4, 'blind', 'no-screen')
        file = self.tmp + '/a.png'
        self.ctl('screenshot', '3', file)
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        with open(file, 'rb') as f:
            data = f.read()
        self.assertEqual(data, self.ctl('screenshot', 'win7', '-', binary=True))
        self.assertEqual(pixels(self, data), (3, 2, bytes.fromhex('ff000000ff000000ffffffff000000808080')))
        self.assertIn('domain 4: the machine has no display', self.ctl('screenshot', '4', file, status=1))
        self.assertIn('cannot create /nowhere/a.png', self.ctl('screenshot', '3', '/nowhere/a.png', status=1))
        p = subprocess.run([HVMCTL, '--dir', self.dir, 'screenshot', '3'], cwd=self.tmp, capture_output=True,
                           timeout=WAIT, check=True)
        self.assertEqual(p.stdout, b'screen-3.png\n')
        with open(self.tmp + '/screen-3.png', 'rb') as f:
            self.assertEqual(f.read(), data)

    def test_screenshot_is_nobody_elses(self):
        """A name that hvmctl makes up is not written through: it may be a trap."""
        self.hvmd(3, 'win7')
        other, mine = self.tmp + '/other', self.tmp + '/screen-3.png'
        with open(other, 'wb') as f:
            f.write(b'precious')
        for trap in os.symlink, os.link:
            trap(other, mine)
            subprocess.run([HVMCTL, '--dir', self.dir, 'screenshot', '3'], cwd=self.tmp, stdout=subprocess.DEVNULL,
                           timeout=WAIT, check=True)
            with open(other, 'rb') as f:
                self.assertEqual(f.read(), b'precious')
            self.assertFalse(os.path.islink(mine))
            self.assertEqual(os.stat(mine).st_mode & 0o777, 0o600)
            os.unlink(mine)

    def test_usage(self):
        for args in ([], ['nonsense'], ['status'], ['status', '1', '2'], ['list', '1'], ['list', '--json'],
                     ['--bogus', 'list'], ['top', '-n'], ['top', '-n', '0'], ['top', '-n', '-1'], ['top', '-d', '0'],
                     ['top', '-d', 'nan'], ['unplug', '1', '--ignore-next', 'maybe'], ['screenshot', '1', 'a', 'b']):
            with self.subTest(args=args):
                self.assertIn('see hvmctl --help', self.ctl(*args, status=2))
        self.assertIn("'-q' is no option", self.ctl('list', '-qj', status=2))  # not a word before it
        self.assertIn("'--dir' is no option, or lacks", self.ctl('list', '--dir', status=2))
        text = self.ctl('--help')
        for word in 'list', 'top', 'metrics', 'status', 'stats', 'unplug', 'screenshot':
            self.assertRegex(text, r'(?m)^  %s\b' % word)
        self.assertRegex(self.ctl('--version'), r'^hvmctl \S+\n$')

    def test_output_fails(self):
        self.hvmd(3, 'win7')
        with open('/dev/full', 'wb') as full:
            for command in (['list'], ['metrics'], ['status', '3'], ['top', '-n', '1', '-d', '0.1'],
                            ['screenshot', '3', '-']):
                p = subprocess.run([HVMCTL, '--dir', self.dir, *command], stdout=full, stderr=subprocess.PIPE,
                                   timeout=WAIT, check=False)
                self.assertEqual(p.returncode, 1, command)

    def test_closed_output_is_no_socket(self):
        heard, begun, ended = [], [], []

        def talk(c):
            begun.append(c)
            try:
                greet(c)
                while text := c.recv(65536):
                    heard.append(text)
                    c.sendall(b'{"return":{}}\r\n')
            finally:
                ended.append(c)
        self.rogue(3, talk)
        for closed, status in (('>&-', 1), ('<&- >&- 2>&-', 1), ('2>&-', 0)):
            for command in 'list', 'metrics', 'top -n 2 -d 0.1':
                p = subprocess.run(['/bin/sh', '-c', f'exec "$0" --dir "$1" {command} {closed}', HVMCTL, self.dir],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   timeout=WAIT, check=False)
                self.assertEqual(p.returncode, status, (command, closed))
        end = time.monotonic() + WAIT
        while (len(begun) < 9 or len(ended) < len(begun)) and time.monotonic() < end:
            time.sleep(0.01)
        for line in b''.join(heard).splitlines():
            self.assertTrue(line.startswith(b'{'), line)


class Domains(Case):
    def test_unknown(self):
        self.assertEqual(self.ctl('status', '9', status=1), 'hvmctl: no hvmd serves domain 9\n')
        self.assertEqual(self.ctl('status', 'x', status=1), "hvmctl: no hvmd serves a domain 'x'\n")
        self.hvmd(3, 'win7')
        self.assertIn('domain 9', self.ctl('stats', '9', status=1))
        self.assertIn("'win'", self.ctl('stats', 'win', status=1))

    def test_stale(self):
        self.hvmd(3, 'win7').kill()
        self.fixtures[3].wait()
        self.assertTrue(os.path.exists(self.dir + '/3.sock'))
        self.assertIn('was left by one that died', self.ctl('status', '3', status=1))
        self.assertEqual(len(self.ctl('list').splitlines()), 1)
        self.assertEqual(samples(self, self.ctl('metrics')), {})
        self.fixtures.pop(3).stdout.close()
        self.hvmd(3, 'win8')  # the domain's next one replaces it
        self.assertIn('win8', self.ctl('status', '3'))

    def test_twice(self):
        self.hvmd(3, 'same')
        self.hvmd(4, 'same')
        self.assertIn("2 domains are called 'same'; give a number", self.ctl('status', 'same', status=1))
        self.assertIn('same', self.ctl('status', '4'))

    def test_odd_names(self):
        name = 'a "b" \\ \x1b[31m \xe4\n'
        self.hvmd(3, name)
        os.mkdir(self.dir + '/5.sock')  # no hvmds either
        for junk in '07.sock', '.sock', 'x.sock', '3.sock.old', '99999.sock', '-1.sock':
            with open('%s/%s' % (self.dir, junk), 'wb'):
                pass
        text = self.ctl('list')
        self.assertEqual(len(text.splitlines()), 2)
        self.assertNotIn('\x1b', text)
        self.assertIn('\\x1b[31m', text)
        for given in name, 'a "b" \\ \\x1b[31m \\xc3\\xa4\\x0a':  # as it is, or as list shows it
            self.assertIn('domain         3 ', self.ctl('status', given))
        for (metric, labels), _ in samples(self, self.ctl('metrics')).items():
            if metric != 'hvmd_up':
                self.assertEqual(dict(labels)['name'], 'a "b" \\ \\x1b[31m \\xc3\\xa4\\x0a')

    def test_forbidden(self):
        if os.geteuid() != 0:
            self.skipTest('needs root to be somebody else')
        self.hvmd(3, 'win7')
        os.chmod(self.tmp, 0o755)
        program = shutil.copy(HVMCTL, self.tmp)  # the build may lie where others cannot look
        for args in ['list'], ['status', '3'], ['metrics'], ['top', '-n', '1']:
            p = subprocess.run([program, '--dir', self.dir, *args], capture_output=True, text=True, timeout=WAIT,
                               check=False, user=65534, group=65534, extra_groups=[])
            self.assertEqual(p.returncode, 1)
            self.assertIn('be root', p.stderr)


class Hostile(Case):
    """One hvmd that is broken, or a guest's by now, does not hide the others."""

    def check(self, talk, why):
        self.hvmd(3, 'good')
        self.rogue(4, talk)
        with concurrent.futures.ThreadPoolExecutor() as pool:  # each may have to wait
            listed, refused, metrics, top, unknown, good = [pool.submit(self.ctl, *args, status=status) for args, status in (
                (['list'], 0), (['status', '4'], 1), (['metrics'], 0), (['top', '-n', '1', '-d', '0.1'], 0),
                (['status', 'else'], 1), (['status', 'good'], 0))]
        rows = listed.result().splitlines()
        self.assertEqual(len(rows), 3)
        self.assertIn('emulating', rows[1])
        self.assertRegex(rows[2], r'^ *4 +\? +not answering')
        self.assertRegex(refused.result(), 'domain 4: .*' + why)
        got = samples(self, metrics.result())
        self.assertEqual(got['hvmd_up', (('domid', '3'),)], 1)
        self.assertEqual(got['hvmd_up', (('domid', '4'),)], 0)
        self.assertRegex(top.result(), r'(?m)^ *3 good +emulating +[0-9.]+ ')
        self.assertRegex(top.result(), r'(?m)^ *4 +(not answering|no answer)$')
        self.assertIn('not all of them answer', unknown.result())
        self.assertIn('good', good.result())

    def test_silent(self):
        self.check(lambda c: c.recv(1) and threading.Event().wait(WAIT), 'does not answer in time')

    def test_greets_only(self):
        def talk(c):
            greet(c)
            threading.Event().wait(WAIT)
        self.check(talk, 'does not answer in time')

    def test_hangs_up(self):
        self.check(lambda c: c.close(), 'hung up')

    def test_garbage(self):
        self.check(answering(b'\x00\xff garbage \r\n'), 'does not speak QMP')

    def test_not_an_object(self):
        self.check(answering(b'[1,2]\r\n'), 'does not speak QMP')

    def test_deep(self):
        self.check(answering(b'{"return":' + b'[' * 5000 + b']' * 5000 + b'}\r\n'), 'does not speak QMP')

    def test_endless_line(self):
        def talk(c):
            while True:
                c.sendall(b'{"return":"' + b'x' * 65536)
        self.check(talk, '(too long|not answer in time)')  # whichever comes first

    def test_endless_events(self):
        def talk(c):
            greet(c)
            while True:
                c.sendall(b'{"event":"x"}\r\n' * 1000)
        self.check(talk, 'does not answer in time')

    def test_drips(self):
        def talk(c):
            while True:
                c.sendall(b' ')
                time.sleep(0.05)
        self.check(talk, 'does not answer in time')

    def test_refuses(self):
        self.check(lambda c: c.sendall(b'{"error":{"class":"GenericError","desc":"all places are taken"}}\r\n'),
                   'all places are taken')

    def test_error_without_words(self):
        self.check(answering(b'{"error":{}}\r\n'), 'does not say which')

    def test_wrong_types(self):
        """Figures that are none: taken as absent, nothing breaks."""
        values = [None, True, -1, 2**63, 2**64 - 1, 1.5, 'text', [], {}, [[]], [{}] * 1000, {'name': []}, '\x1b]0;x\x07']
        keys = ('domid name pid version uptime-ns status state vcpus viewers cpu memory ioreqs devices disks nics log '
                'host service enabled events total ignore-next').split()
        inner = 'total-ns pss synchronous name instance pio-reads unit kind attached id mac time-ns went'.split()
        for i, v in enumerate(values):
            body = {k: v for k in keys}
            if i % 2:
                for k in 'devices', 'disks', 'nics', 'events':
                    body[k] = [{n: v for n in inner}] * 200
                for k in 'cpu', 'memory', 'ioreqs', 'log':
                    body[k] = {n: v for n in inner}
            self.rogue(20 + i, answering(json.dumps({'return': body}).encode() + b'\r\n'))
        text = self.ctl('list')
        self.assertEqual(len(text.splitlines()), 1 + len(values))
        for i in range(len(values)):
            for command in 'status', 'stats', 'unplug':
                text += self.ctl(command, str(20 + i))
            self.assertIn('came out empty', self.ctl('screenshot', str(20 + i), '-', status=1))
        text += self.ctl('top', '-n', '2', '-d', '0.1')
        self.assertNotRegex(text, '[\x00-\x09\x0b-\x1f\x7f]')
        samples(self, self.ctl('metrics'))

    def test_json_steers_no_terminal(self):
        name = '\x1b]0;x\x07 \x7f \x9b31m \xe4 \U0001f600'
        self.rogue(3, answering(json.dumps({'return': {'name': name}}, ensure_ascii=False).encode() + b'\r\n'))
        self.rogue(4, answering(b'{"return":{"name":"\x9b31m"}}\r\n'))
        text = self.ctl('stats', '3', '--json', binary=True)
        self.assertNotRegex(text, b'[^\x0a\x20-\x7e]')
        self.assertEqual(json.loads(text)['name'], name)
        text = self.ctl('stats', '4', '--json', binary=True)
        self.assertEqual(json.loads(text)['name'], '\ufffd31m')

    def test_screen_formats(self):
        def painting(data):
            def talk(c):
                greet(c)
                fds = []
                text = b''
                while b'screendump' not in text:
                    got = socket.recv_fds(c, 65536, 4)
                    text += got[0]
                    fds += got[1]
                    if got[0].endswith(b'"query-status"}'):
                        c.sendall(b'{"return":{}}\r\n')
                os.write(fds[0], data)
                c.sendall(b'{"return":{}}\r\n')
                for fd in fds:
                    os.close(fd)
            return talk
        bad = [b'', b'P6\n', b'P6\n3 2\n255\n', b'P6\n3 2\n255\n' + b'x' * 17, b'P6\n3 2\n255\n' + b'x' * 19,
               b'P5\n3 2\n255\n' + b'x' * 18, b'P6\n0 2\n255\n', b'P6\n3 2\n65535\n' + b'x' * 18,
               b'P6\n99999999999 2\n255\n', b'P6\n65536 65536\n255\n', b'P6\n-3 2\n255\n' + b'x' * 18]
        for i, data in enumerate(bad):
            self.rogue(30 + i, painting(data))
            self.assertRegex(self.ctl('screenshot', str(30 + i), '-', status=1), 'unknown format|came out empty')
        self.rogue(50, painting(b'P6\n1 1\n255\nabc'))
        self.assertEqual(pixels(self, self.ctl('screenshot', '50', '-', binary=True)), (1, 1, b'abc'))


def pixels(case, png):
    """Checks a PNG as its specification says; width, height and pixels."""
    case.assertEqual(png[:8], b'\x89PNG\r\n\x1a\n')
    at, kinds, data = 8, [], b''
    while at < len(png):
        size, kind = struct.unpack('>I4s', png[at:at + 8])
        body = png[at + 8:at + 8 + size]
        case.assertEqual(struct.unpack('>I', png[at + 8 + size:at + 12 + size])[0], zlib.crc32(kind + body))
        kinds.append(kind)
        if kind == b'IHDR':
            w, h, *rest = struct.unpack('>IIBBBBB', body)
            case.assertEqual(rest, [8, 2, 0, 0, 0])
        elif kind == b'IDAT':
            data += body
        at += 12 + size
    case.assertEqual(kinds, [b'IHDR', b'IDAT', b'IEND'])
    raw, row, out = zlib.decompress(data), 3 * w, b''
    case.assertEqual(len(raw), h * (row + 1))
    above = bytes(row)
    for y in range(h):
        kind, line = raw[y * (row + 1)], raw[y * (row + 1) + 1:(y + 1) * (row + 1)]
        case.assertIn(kind, (0, 2))
        if kind == 2:
            line = bytes((a + b) & 0xff for a, b in zip(line, above))
        out += line
        above = line
    return w, h, out


def labels_of(case, text):
    """Label pairs, unescaped; every byte must be accounted for."""
    pairs, at = [], 0
    pattern = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)')
    while at < len(text):
        m = pattern.match(text, at)
        case.assertIsNotNone(m, text)
        pairs.append((m[1], re.sub(r'\\(.)', lambda e: '\n' if e[1] == 'n' else e[1], m[2])))
        at = m.end()
    case.assertEqual(len({k for k, _ in pairs}), len(pairs), 'a label twice: ' + text)
    return tuple(pairs)


def samples(case, text):
    """The text format 0.0.4, strictly: {(metric, labels): value}."""
    case.assertTrue(text.endswith('\n'))
    out, types, helps, closed, now = {}, {}, set(), set(), None
    for line in text.splitlines():
        m = re.fullmatch(r'# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S.*)', line)
        if m and m[1] == 'HELP':
            case.assertNotIn(m[2], helps)
            case.assertNotRegex(m[3], r'\\(?![\\n])')
            helps.add(m[2])
            continue
        if m:
            case.assertIn(m[2], helps, 'TYPE before HELP: ' + line)
            case.assertNotIn(m[2], types)
            case.assertIn(m[3], ('counter', 'gauge'))
            case.assertEqual(m[2].endswith('_total'), m[3] == 'counter', line)
            types[m[2]] = m[3]
            continue
        m = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} ([0-9]+(?:\.[0-9]+)?)', line)
        case.assertIsNotNone(m, 'no sample: ' + line)
        case.assertIn(m[1], types, 'no TYPE before ' + line)
        if m[1] != now:  # all lines of a metric are one group
            case.assertNotIn(m[1], closed, line)
            closed.add(m[1])
            now = m[1]
        key = m[1], labels_of(case, m[2])
        case.assertNotIn(key, out, 'twice: ' + line)
        out[key] = float(m[3])
    case.assertEqual(set(types), helps)
    return out


class Metrics(Case):
    def value(self, got, metric, **labels):
        found = [v for (m, pairs), v in got.items() if m == metric and labels.items() <= dict(pairs).items()]
        self.assertEqual(len(found), 1, (metric, labels))
        return found[0]

    def test_values(self):
        self.hvmd(3, 'win7')
        self.hvmd(12, 'debian', 'aside', 'no-memory')
        self.ctl('list')
        got = samples(self, self.ctl('metrics'))
        for domid, aside in ('3', 0), ('12', 1):
            self.assertEqual(self.value(got, 'hvmd_up', domid=domid), 1)
            self.assertEqual(self.value(got, 'hvmd_stepped_aside', domid=domid), aside)
        self.assertEqual(self.value(got, 'hvmd_ioreqs_total', name='win7', kind='synchronous'), 1234)
        self.assertEqual(self.value(got, 'hvmd_ioreqs_total', name='win7', kind='buffered'), 500)
        self.assertEqual(self.value(got, 'hvmd_device_accesses_total', domid='3', device='ide', space='pio',
                                    direction='read'), 1000)
        self.assertEqual(self.value(got, 'hvmd_device_accesses_total', domid='3', device='vga', space='mmio',
                                    direction='write'), 204)
        self.assertEqual(self.value(got, 'hvmd_device_accesses_total', domid='3', device='ide', space='config',
                                    direction='read'), 4)
        self.assertEqual(self.value(got, 'hvmd_cpu_seconds_total', domid='3'), 1.045)
        self.assertEqual(self.value(got, 'hvmd_viewers_cpu_seconds_total', domid='3'), 0.25)
        self.assertEqual(self.value(got, 'hvmd_uptime_seconds', domid='3'), 3601)
        self.assertEqual(self.value(got, 'hvmd_memory_pss_bytes'), 6553600)  # one of the two tells
        self.assertEqual(self.value(got, 'hvmd_disk_written_bytes_total', domid='3', disk='hda'), 2097152)
        self.assertEqual(self.value(got, 'hvmd_disk_size_bytes', domid='12', disk='hdc'), 650 << 20)
        self.assertEqual(self.value(got, 'hvmd_nic_received_frames_total'), 100)
        later = samples(self, self.ctl('metrics'))
        self.assertEqual(set(later), set(got))
        for key, v in got.items():
            if key[0].endswith('_total'):
                self.assertGreaterEqual(later[key], v)

    def test_none(self):
        self.assertEqual(samples(self, self.ctl('metrics')), {})


class Terminal:
    """hvmctl on a terminal of a given size; what it draws, as lines."""

    def __init__(self, args, rows, cols):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ['TERM'] = 'xterm'
            os.execv(args[0], args)
        self.size(rows, cols)
        self.out = b''

    def size(self, rows, cols):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, cols, 0, 0))

    def type(self, keys):
        os.write(self.fd, keys)

    def read(self):
        """More output; False: it has ended."""
        if select.select([self.fd], [], [], WAIT)[0]:
            try:
                self.out += os.read(self.fd, 65536)
                return True
            except OSError:
                return False
        raise AssertionError('nothing comes: %r' % self.out[-2000:])

    def frames(self):
        parts = self.out.split(b'\x1b[H')[1:]
        return [p.split(b'\x1b[J')[0].decode() for p in parts if b'\x1b[J' in p]

    def until(self, condition):
        end = time.monotonic() + WAIT
        while not any(condition(f) for f in self.frames()):
            if time.monotonic() > end or not self.read():
                raise AssertionError('not to be seen: %r' % self.out[-2000:])
        return [f for f in self.frames() if condition(f)][-1]

    def end(self):
        while self.read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def plain(frame):
    return re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', frame).split('\r\n')


class Top(Case):
    def test_piped(self):
        self.hvmd(3, 'win7')
        self.hvmd(12, 'debian', 'aside', 'idle')
        for width in 20, 40, 80, 100, 132, 200:
            text = self.ctl('top', '-n', '1', '-d', '0.1', env={'COLUMNS': str(width)})
            self.assertNotIn('\x1b', text)
            lines = text.splitlines()
            self.assertEqual(len(lines), 6)
            self.assertLessEqual(max(map(len, lines)), width)
        self.assertRegex(lines[0], r'^hvmctl top  \d\d:\d\d:\d\d  2 hvmds, 1 stepped aside$')
        row = dict(zip(lines[1].split(), lines[2].split()))
        self.assertEqual(row, {
            'DOM': '3', 'NAME': 'win7', 'STATE': 'emulating', 'CPU%': '4.5', 'PSS': '6.2M', 'PRIV': '2.0M',
            'IOREQ/s': '1.2k', 'BUF/s': '500', 'PIO-RD': '1.0k', 'PIO-WR': '30', 'MMIO-RD': '0', 'MMIO-WR': '204',
            'CFG-RD': '0', 'CFG-WR': '0', 'DSK-RD': '40K', 'DSK-WR': '2.0M', 'NET-RX': '146K', 'NET-TX': '0',
            'VIEWERS': '0'})
        self.assertEqual(lines[3].split(), ['ide', '1.0k', '1.0k', '30'])
        self.assertEqual(lines[4].split(), ['vga', '204', '204'])
        self.assertRegex(lines[5], r'^ +12 debian +stepped aside +0\.0 +6\.2M +2\.0M +0 +0 ')
        at80 = self.ctl('top', '-n', '1', '-d', '0.1', env={'COLUMNS': '80'}).splitlines()
        for title in 'STATE', 'CPU%', 'PSS', 'IOREQ/s', 'PIO-RD', 'PIO-WR', 'MMIO-RD', 'MMIO-WR':
            self.assertIn(title, at80[1])
        self.assertRegex(at80[5], r'debian +aside ')

    def test_rounds(self):
        self.hvmd(3, 'win7')
        text = self.ctl('top', '-n', '3', '-d', '0.1')
        self.assertEqual(text.count('hvmctl top'), 3)
        self.assertEqual(len(re.findall(r'(?m)^ *3 win7 +emulating +4\.5', text)), 3)

    def test_screen(self):
        self.hvmd(3, 'win7')
        t = Terminal([HVMCTL, '--dir', self.dir, 'top', '-d', '0.1'], 24, 100)
        frame = t.until(lambda f: '4.5' in f and len(plain(f)) == 5)
        self.assertIn('q quit', plain(frame)[0])
        self.assertRegex(plain(frame)[3], r'^ +ide +1\.0k')
        t.type(b'd')
        t.until(lambda f: '4.5' in f and len(plain(f)) == 3)
        self.hvmd(12, 'debian', 'aside')  # one comes
        t.until(lambda f: 'debian' in f and '2 hvmds' in f)
        t.size(24, 60)
        t.until(lambda f: 'debian' in f and max(map(len, plain(f))) <= 60)
        self.fixtures[3].kill()  # one goes
        t.until(lambda f: '1 hvmd,' in f and 'win7' not in f)
        t.type(b'q')
        self.assertEqual(t.end(), 0)
        self.assertIn(b'\x1b[?1049h\x1b[?25l', t.out)
        self.assertTrue(t.out.endswith(b'\x1b[?25h\x1b[?1049l'))

    def test_small_screen(self):
        for i in range(1, 13):
            self.hvmd(i, 'guest%d' % i)
        t = Terminal([HVMCTL, '--dir', self.dir, 'top', '-d', '0.1'], 8, 80)
        frame = t.until(lambda f: 'more domains than lines' in f and '4.5' in f)
        self.assertLessEqual(len(plain(frame)), 8)
        t.size(18, 80)  # four lines left for devices
        frame = t.until(lambda f: 'guest12' in f and len(plain(f)) == 18)
        self.assertEqual(len([s for s in plain(frame) if re.match(r' +(ide|vga) ', s)]), 4)
        t.type(b'Q')
        self.assertEqual(t.end(), 0)

    def test_interrupt(self):
        self.hvmd(3, 'win7')
        t = Terminal([HVMCTL, '--dir', self.dir, 'top', '-d', '3600'], 24, 80)
        t.until(lambda f: 'win7' in f)
        t.type(b'\x03')
        self.assertEqual(t.end(), 0)
        self.assertTrue(t.out.endswith(b'\x1b[?25h\x1b[?1049l'))

    def test_no_colour(self):
        os.environ['NO_COLOR'] = '1'
        try:
            self.hvmd(3, 'win7')
            t = Terminal([HVMCTL, '--dir', self.dir, 'top', '-d', '0.1', '-n', '2'], 24, 80)
            self.assertEqual(t.end(), 0)
        finally:
            del os.environ['NO_COLOR']
        self.assertNotRegex(t.out, rb'\x1b\[[0-9]*m')
        self.assertGreaterEqual(len(t.frames()), 2)

    def test_restarted(self):
        """Another process of the same domain: no rates over the change, none negative."""
        self.hvmd(3, 'win7')
        t = Terminal([HVMCTL, '--dir', self.dir, 'top', '-d', '0.1'], 24, 80)
        t.until(lambda f: 'win7' in f and '4.5' in f)
        p = self.fixtures.pop(3)
        p.kill()
        p.wait()
        p.stdout.close()
        self.hvmd(3, 'again')
        t.until(lambda f: 'again' in f and '4.5' in f)
        t.type(b'q')
        self.assertEqual(t.end(), 0)
        self.assertNotIn(b'-4', t.out)


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])

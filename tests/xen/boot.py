#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The boot tests; runs in dom0, started by "boot". Each test boots guests of its own
and looks at their serial line and at their screen through VNC."""
import os
import re
import signal
import socket
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ctl  # noqa: E402
import guest as g  # noqa: E402
import nic  # noqa: E402
import pv  # noqa: E402
import rare  # noqa: E402
import rfb  # noqa: E402
import save  # noqa: E402
import screen  # noqa: E402
import trad  # noqa: E402
import xl  # noqa: E402
import virt  # noqa: E402
from bed import DM, OUT, PEER, cd, fixture, guests, new, note, notes, want  # noqa: E402
from guest import Failed, Lost  # noqa: E402


def disk():
    """(a) Debian's kernel from an IDE disk through SeaBIOS and GRUB, DMA on; reads a
    64 MiB file of an ext4 partition and writes one back."""
    x = new('disk', vif=['bridge=xenbr0,model=rtl8139'])
    hda, hdb = x.image('disk.img'), x.image('data.img')
    x.config['disk'] = [hda + ',raw,hda,rw', hdb + ',raw,hdb,rw']
    x.create()
    x.wait_screen('GRUB|Loading|Linux version|SeaBIOS', 60)
    x.shot('disk-bios')
    x.wait_serial('@INIT', 420)
    want('checksum of the file read', x.wait_serial(r'@READ (\w+)', 120)[1], fixture('big.sha256'))
    x.wait_serial('@WROTE', 120)
    check_modes(x, 2)
    x.wait_serial('@READY', 60)
    x.wait_screen('@READ ' + fixture('big.sha256'), 20)
    x.login()
    x.command('echo typed $((6*7)) by VNC', 'typed 42 by VNC')
    x.shot('disk-login')
    x.vnc.type('poweroff -f\n')
    wait_gone(x)
    fs = hdb + '?offset=8388608'
    g.run('e2fsck', '-fn', fs)
    g.run('debugfs', '-R', 'dump /back %s/back' % x.dir, fs)
    compare_back(x.dir + '/back')


def compare_back(path):
    """The file the guest wrote must be the two halves of "big" in reverse order."""
    data, big = open(path, 'rb').read(), open(g.IMAGES + '/big', 'rb').read()
    expected = big[len(big) // 2:] + big[:len(big) // 2]
    if data == expected:
        return
    wrong = [i for i in range(0, len(expected), 4096) if data[i:i + 4096] != expected[i:i + 4096]]
    runs = [i for i in wrong if i - 4096 not in set(wrong)]
    zero = sum(not any(data[i:i + 4096]) for i in wrong)
    first = data[wrong[0]:wrong[0] + 4096] if wrong else b''
    raise Failed('the file written has %d bytes, %d pages of it wrong, %d of those zero, runs begin at %s; the first '
                 'wrong page is found at %d of what was to be written; bytes equal in it: %d' % (
                     len(data), len(wrong), zero, runs[:8], expected.find(first) if any(first) else -1,
                     sum(a == b for a, b in zip(first, expected[wrong[0]:])) if wrong else 0))


def check_modes(x, drives):
    modes = re.findall(r'@MODE \S+ \S+ (\S+)', x.serial())
    note('transfer modes ' + ' '.join(modes))
    if len(modes) != drives or not all(re.match('XFER_(UDMA|MW_DMA)', m) for m in modes):
        raise Failed('transfer modes: %s' % re.findall('@MODE.*', x.serial()))


def wait_gone(x, limit=40):
    end = time.monotonic() + limit
    while x.current() is not None:
        if time.monotonic() > end:
            raise Failed('the domain is still there %d s after power-off' % limit)
        time.sleep(0.5)


def cdrom():
    """(b) the same kernel from an ATAPI CD through SeaBIOS and ISOLINUX; reads a
    64 MiB file of that CD."""
    x = new('cdrom', boot='d', disk=[cd('cd.iso', 'hdc')])
    x.create()
    x.wait_screen('ISOLINUX|Loading|Linux version|SeaBIOS', 60)
    x.shot('cdrom-bios')
    x.wait_serial('@INIT', 420)
    want('checksum of the file read', x.wait_serial(r'@READ (\w+)', 180)[1], fixture('big.sha256'))
    check_modes(x, 1)
    x.wait_serial('@READY', 60)
    x.wait_screen('login:', 30)
    x.wait_screen('@READ ' + fixture('big.sha256'), 10)
    x.shot('cdrom-login')


def memtest():
    """(c) memtest86+ from a CD: its screen, and that it goes on."""
    x = new('memtest', boot='d', memory=128, disk=[cd('memtest.iso', 'hdc')])
    x.create()
    x.wait_screen(r'Memtest86\+', 90)
    x.wait_screen(r'Pass +\d+%|Test +\d+%', 60)
    first = x.wait_screen(r'Time: +(\d+:\d+:\d+)', 60)[1]
    x.wait_serial(r'Memtest86\+', 30)
    end = time.monotonic() + 60
    while x.wait_screen(r'Time: +(\d+:\d+:\d+)', 60)[1] == first:
        if time.monotonic() > end:
            raise Failed('its clock stays at ' + first)
        time.sleep(1)
    x.shot('memtest')
    x.vnc.key('f1')
    x.wait_screen(r'(?i)settings|test selection', 30)
    x.shot('memtest-menu')


def highlighted(x, item):
    """Of the lines that match item, the one whose match is painted on a colour of its
    own."""
    found = []
    cell = 9 if x.vnc.w == 720 else 8
    for row, line in enumerate(g.reader.lines(x.vnc)):
        m = re.search(item, line)
        if m:
            found.append((m[0], screen.background(x.vnc, row, m.start(), cell)))
    colours = [c for _, c in found]
    odd = [name for name, c in found if colours.count(c) == 1]
    return odd[0] if len(odd) == 1 else None


def installer_text():
    """(d) Debian's installer in text mode: the language dialog; Down moves the bar."""
    x = new('di-text', memory=1024)
    x.config['disk'] = [x.image('di-text.img') + ',raw,hda,rw']
    x.create()
    x.wait_serial('Linux version', 60)
    x.wait_screen('Select a language', 300, 2)
    x.wait_screen(r'English', 30)
    x.shot('installer-text')
    item = r'\b[A-Z][a-z]+(?= +- +\S)'
    before = highlighted(x, item)
    x.vnc.key('down')
    after = before
    end = time.monotonic() + 30
    while after in (None, before) and time.monotonic() < end:
        time.sleep(1)
        x.screen()
        after = highlighted(x, item)
    x.shot('installer-text-down')
    note('selected: %s, then %s' % (before, after))
    want('selected', (before, after), ('English', 'Finnish'))


def bar(r):
    """Top and bottom of the coloured bar across a graphical list, or None: rows of one
    colour that is no grey over more than half of the width, below the banner."""
    rows = []
    for y in range(r.h // 6, r.h):
        line = r.fb[(y * r.w + r.w * 3 // 10) * 4:(y * r.w + r.w * 9 // 10) * 4]
        first = bytes(line[:4])
        if max(first[:3]) - min(first[:3]) > 40 and first * (len(line) // 4) == bytes(line):
            rows.append(y)
    if len(rows) < 10 or rows[-1] - rows[0] >= len(rows):
        return None
    return rows[0], rows[-1] + 1


def wait_bar(x, limit, other_than=None):
    """The bar once it has stayed where it is: a list that is new on the screen scrolls to
    what is selected in it."""
    end, last, since = time.monotonic() + limit, None, 0
    while True:
        x.check()
        x.screen()
        found, now = bar(x.vnc), time.monotonic()
        if found != last:
            last, since = found, now
        elif found and found != other_than and now - since >= 8:
            return found
        if now > end:
            raise Failed('no selected row stays in a list on a screen of %dx%d, in %d s; the last one seen: %s' % (
                x.vnc.w, x.vnc.h, limit, last))
        time.sleep(1)


def installer_graphical():
    """(d) the graphical installer on a frame buffer: a key moves the selection."""
    x = new('di-gtk', memory=1280)
    x.config['disk'] = [x.image('di-gtk.img') + ',raw,hda,rw']
    x.create()
    x.wait_serial('Linux version', 60)
    before = wait_bar(x, 400)
    x.shot('installer-gtk')
    x.vnc.key('down')
    after = wait_bar(x, 60, before)
    x.shot('installer-gtk-down')
    note('%dx%d, selected rows %s, then %s' % (x.vnc.w, x.vnc.h, before, after))
    if not 15 <= after[0] - before[0] <= 40:
        raise Failed('the key moved the selection from %s to %s' % (before, after))


def power():
    """(e) a guest's reboot restarts it on a new device model; power-off ends it."""
    x = new('power', on_reboot='restart')
    x.config['disk'] = [x.image('linux.img', cmdline='t=none') + ',raw,hda,rw']
    x.create()
    x.wait_serial('@READY', 120)
    x.login()
    first, pid = x.domid, x.pid
    x.vnc.type('reboot -f\n')
    x.disconnect()
    end = time.monotonic() + 60
    while x.current() in (None, first):
        if time.monotonic() > end:
            raise Failed('no new domain 60 s after the reboot')
        time.sleep(0.5)
    end = time.monotonic() + 60
    while True:
        try:
            x.find()
            int(g.xenstore('/local/domain/%d/console/vnc-port' % x.domid))
            break
        except (ValueError, Failed):
            if time.monotonic() > end:
                raise Failed('no VNC port after the reboot') from None
            time.sleep(0.5)
    if g.processes_of(first) or os.path.exists('/proc/%d' % pid):
        raise Failed('the first device model is still there')
    x.wait_serial('@INIT(?s:.*)@READY', 120)
    x.login()
    x.shot('power-after-reboot')
    x.vnc.type('poweroff -f\n')
    wait_gone(x)
    end = time.monotonic() + 5
    while g.processes_of(x.domid):
        if time.monotonic() > end:
            raise Failed('its device model is still there 5 s after power-off')
        time.sleep(0.2)


def many():
    """(f) two virtual CPUs, two disks and two CDs at once; the mouse."""
    x = new('many', vcpus=2, usb=0)
    x.config['disk'] = [x.image('linux.img', cmdline='t=many') + ',raw,hda,rw',
                        x.image('disk.img') + ',raw,hdb,rw', cd('cd.iso', 'hdc'), cd('memtest.iso', 'hdd')]
    x.create()
    x.wait_serial('@READY', 150)
    want('CPUs', x.wait_serial(r'@CPUS (\d+)', 5)[1], '2')
    for device, file in (('hda', 'linux.img'), ('hdb', 'disk.img'), ('hdc', 'cd.iso'), ('hdd', 'memtest.iso')):
        path = '%s/%s' % (g.IMAGES, file)
        want('size of ' + device, int(x.wait_serial(r'@SIZE %s (\d+)' % device, 5)[1]), os.path.getsize(path))
        if device != 'hda':
            head = subprocess.run('head -c 8388608 %s | sha256sum' % path, shell=True, stdout=subprocess.PIPE,
                                  text=True, check=True).stdout.split()[0]
            want('checksum of ' + device, x.wait_serial(r'@READ %s (\w+)' % device, 5)[1], head)
    x.login()
    x.shot('many')
    x.vnc.type('clear; head -c 3 /dev/input/mice | hexdump -C\n')
    # what moves before the guest has opened its mouse is lost
    end, at = time.monotonic() + 60, 0
    while not re.search(r'00000000  [0-9a-f]8 [0-9a-f]{2} [0-9a-f]{2} ', x.screen()):
        if time.monotonic() > end:
            raise Failed('the guest sees no mouse in 60 s')
        at = (at + 6) % 300
        x.vnc.pointer(100 + at, 100 + at, 0)
        time.sleep(0.5)
    x.shot('many-mouse')


def pair():
    """(g) two guests side by side; one is destroyed, the other goes on."""
    a, b = new('one'), new('two')
    for x in (a, b):
        x.config['disk'] = [x.image('linux.img', cmdline='t=none name=guest-' + x.name) + ',raw,hda,rw']
    a.create()
    b.create()
    for x in (a, b):
        x.wait_serial('@READY', 150)
        x.login('guest-%s login:' % x.name)
        x.command('echo I am $(hostname)', 'I am guest-' + x.name)
        x.shot('pair-' + x.name)
    a.destroy()
    b.command('echo still $((40+2))', 'still 42')


def viewer():
    """VNC: every encoding shows the same pixels, several clients at once, a password,
    and with no client no process but the device model itself."""
    x = new('viewer', **({} if PEER else {'vncpasswd': 'secret'}))
    x.config['disk'] = [x.image('linux.img', cmdline='t=none') + ',raw,hda,rw']
    x.create()
    x.wait_serial('@READY', 150)
    if not PEER:
        want('processes with no client', g.processes_of(x.domid), [x.pid])
        port = int(g.xenstore('/local/domain/%d/console/vnc-port' % x.domid))
        for password in ('wrong', None):
            try:
                rfb.Rfb('127.0.0.1', port, password)
            except rfb.RfbError:
                continue
            raise Failed('let in with password %r' % password)
    x.login()
    x.command('echo -e "\\\\033[?25l"; clear; for i in 1 2 3 4 5 6 7; do dmesg | head -$i; done; echo all $((7*7))',
              r'all 49(?s:.*)/root #', 60)
    frames = {}
    for name, number in rfb.NAMES.items():
        c = x.connect(encodings=(number, rfb.RAW))
        c.full()
        frames[name] = bytes(v for i, v in enumerate(c.fb) if i & 3 != 3)
        if name != 'raw' and frames[name] != frames['raw']:
            c.png('%s/viewer-%s.png' % (OUT, name))
            raise Failed('%s shows other pixels than raw' % name)
        c.close()
    x.shot('viewer')
    note('extended key events: %s' % x.vnc.ext_key)
    if not PEER:
        want('extended key events offered', x.vnc.ext_key, True)
        others = [x.connect() for _ in range(3)]
        for c in others:
            c.full()
        # by keysym alone
        x.vnc.ext_key = False
        x.command('echo KeySym $((1+1))', 'KeySym 2')
        for c in others:
            c.full()
            want('text seen by another client', 'KeySym 2' in g.reader.text(c), True)
            c.close()
        x.disconnect()
        end = time.monotonic() + 10
        while g.processes_of(x.domid) != [x.pid]:
            if time.monotonic() > end:
                raise Failed('processes after the last client left: %s' % g.processes_of(x.domid))
            time.sleep(0.2)


def bad_input():
    """Every case of bad_input.py, with a domain that is there but does not run."""
    x = new('bad')
    x.config['disk'] = [x.image('linux.img') + ',raw,hda,rw']
    x.create(paused=True)
    p = subprocess.run([os.path.dirname(os.path.abspath(__file__)) + '/bad_input.py', g.device_model(DM), str(x.domid)],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(re.sub('(?m)^', '    ', p.stdout.rstrip()), flush=True)
    want('exit status', p.returncode, 0)
    busy = socket.socket()
    busy.bind(('127.0.0.1', 5957))
    busy.listen(1)
    y = new('busy', vncunused=0, vncdisplay=57)
    y.config['disk'] = [y.image('linux.img') + ',raw,hda,rw']
    try:
        y.create(paused=True)
    except Failed:
        said = [line for line in y.dm_log().splitlines() if line.strip()]
        note('port in use: %s' % ' / '.join(said))
        if len(said) != 1 or not re.search('5957|in use', said[0]):
            raise Failed('with its port in use it said: %s' % said) from None
    else:
        raise Failed('it started with its port in use')


TESTS = (disk, cdrom, memtest, installer_text, installer_graphical, power, many, pair, viewer, *nic.TESTS, *pv.TESTS,
         *save.TESTS,
         *(() if PEER else (*ctl.TESTS, *xl.TESTS, *rare.TESTS, *virt.TESTS, *trad.TESTS, bad_input)))


# those that "check" leaves to "check --all", for time's sake
SLOW = {'pair', 'nic-passt', 'pxe', 'pv-never', 'pv-kept-out', 'save-go-on', 'migrate', 'save-pv', 'sleep',
        'geometry', 'old-kernel', 'libvirt', 'trad'}
LIMIT = int(os.environ.get('TEST_LIMIT') or 900)  # seconds for one test, all its guests together


def called(test):
    return test.__name__.replace('_', '-')


def chosen():
    only = [n for n in os.environ.get('ONLY', '').split(',') if n]
    for name in only:
        if name not in map(called, TESTS):
            sys.exit('boot: there is no test "%s"' % name)
    for test in TESTS:
        if called(test) in only or not only and (os.environ.get('SLOW') or called(test) not in SLOW):
            yield test


def too_long(*_):
    raise Failed('not done after %d s' % LIMIT)


def attempt(test):
    guests.clear()
    notes.clear()
    error, told, begun = None, [], time.monotonic()
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LIMIT)
    try:
        test()
    except Lost:
        raise
    except Failed as e:
        error = str(e)
    except Exception:  # the other tests are to run all the same
        error = traceback.format_exc()
    finally:
        signal.alarm(0)
        for x in guests:
            x.keep(x.name + '-end')
        if error:
            told = sum((x.explain() for x in reversed(guests)), [])
        left = sum((x.destroy() for x in guests), [])
        g.sweep()
    if not error and left:
        error = 'processes left behind: %s' % left
    return error, told, time.monotonic() - begun


def tell(lines):
    # the bar keeps a guest's words from being taken for a result
    print(''.join('    | %s\n' % line for line in lines), end='', flush=True)


def out_of_time(name):
    """The job's limit ends whatever test runs, within seconds."""
    print('FAIL %s: the limit of the whole job was reached' % name, flush=True)
    for x in reversed(guests):
        tell(x.explain())
    os._exit(124)


def main():
    failed = 0
    for test in list(chosen()) * int(os.environ.get('REPEAT') or 1):
        name = called(test)
        signal.signal(signal.SIGTERM, lambda *_, name=name: out_of_time(name))
        for _ in range(3):
            try:
                error, told, seconds = attempt(test)
                break
            except Lost as e:
                error, told, seconds = 'lost to the CPU emulator three times', [], 0
                print('# %s: lost to the CPU emulator, once more: %s' % (name, e), flush=True)
        print('%s %s (%.0f s)%s' % ('FAIL' if error else 'PASS', name, seconds,
                                    ''.join('; ' + n for n in notes)), flush=True)
        if error:
            failed += 1
            print('    ' + error.replace('\n', '\n    '), flush=True)
            tell(told)
    sys.exit(1 if failed else 0)


main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Save, restore, migration and kexec: whether a guest goes on as if nothing had been, with
disk and network busy, by emulated devices and by PV drivers."""
import os
import re
import struct
import subprocess
import time

import guest as g
import pv
from bed import PEER, cd, fixture, new, note, want
from guest import Failed

CYCLES = int(os.environ.get('SAVE_CYCLES') or 3)
MAC = '00:16:3e:53:41:56'
PIECE = 8  # MiB of "big" that each round reads, writes or fetches

# rounds of one kind of load each, for good
READS = '''(n=0
while :; do
    echo 3 > /proc/sys/vm/drop_caches
    say "DISK $n $(dd if=/m/big bs=1M count=%(piece)d 2> /dev/null | sha256sum | cut -d' ' -f1)"
    n=$((n + 1))
done) &
''' % {'piece': PIECE}
COPIES = '''(n=0
while :; do
    dd if=/m/big of=/m/copy bs=1M count=%(piece)d 2> /dev/null && sync || fail "write"
    echo 3 > /proc/sys/vm/drop_caches
    say "COPY $n $(sha256sum < /m/copy | cut -d' ' -f1)"
    n=$((n + 1))
done) &
''' % {'piece': PIECE}
FETCHES = '''(n=0
while :; do
    nictool get $gw 9011 | dd of=/tmp/net bs=1M count=%(piece)d iflag=fullblock 2> /dev/null
    say "NET $n $(sum /tmp/net) $(wc -c < /tmp/net)"
    n=$((n + 1))
done) &
''' % {'piece': PIECE}

LOAD = pv.PRELUDE + '''
mkdir /m && mount -t ext4 "$(dev hdc 2)" /m || fail "mount of hdc2"
net_up
''' + READS + COPIES + FETCHES + '''
say "LOADED"
'''

# the screen's lines are numbers in a row, whichever part of video memory was copied when
COUNT = '''
say "COUNTING"
i=100000
while :; do
    echo "number $i" > /dev/tty0
    i=$((i + 1))
done
'''

IDLE = '''
echo -e "\\\\033[?25l" > /dev/tty0
say "DONE"
'''


def expected():
    with open(g.IMAGES + '/big', 'rb') as f:
        return g.sha256(f.read(PIECE << 20))


class Tape:
    """What a guest said on its serial line over all its lives: each device model begins the
    file anew."""

    def __init__(self, x):
        self.x, self.past = x, ''

    def turn(self):
        self.past += self.x.serial()

    def said(self, word):
        return re.findall(r'@%s (\d+) (\w{64})\b' % word, self.past + self.x.serial())


def stamp(x):
    return '%s/%s.save' % (x.dir, x.name)


def times(x):
    """What the device model says of its latest save: bytes, us to save, us to stop."""
    m = re.findall(r'state of the devices saved: (\d+) bytes, (\d+) us after (\d+) us', x.dm_log())
    return tuple(int(v) for v in m[-1]) if m else (0, 0, 0)


def save(x, *options):
    x.disconnect()
    begun = time.monotonic()
    g.run('xl', 'save', *options, x.name, stamp(x), timeout=180)
    return time.monotonic() - begun


def restore(x, *options):
    begun = time.monotonic()
    try:
        g.run('xl', 'restore', *options, stamp(x), timeout=180)
    except Failed as e:
        raise Failed('%s; device model said: %s' % (e, x.dm_log()[-500:])) from None
    os.unlink(stamp(x))
    before = x.domid
    x.find()
    if x.domid == before:
        raise Failed('domain %d was not made anew' % before)
    return time.monotonic() - begun


def start(name, script, cmdline, mode=0, **config):
    """A guest with disks, a card and a CD; mode: of VBE, that its loader sets."""
    for which in ('all', 'default'):
        with open('/proc/sys/net/ipv6/conf/%s/disable_ipv6' % which, 'w') as f:
            f.write('1')
    x = new(name, **{'memory': 176, 'vif': ['mac=%s,bridge=xenbr0,model=rtl8139' % MAC], **config})
    image = x.image('pv.img', cmdline=cmdline)
    if mode:
        with open(image, 'r+b') as f:
            f.seek(0x1b0)
            f.write(struct.pack('<H', mode))
    # no back end and no scripts for PV disks that nobody will use: they take longer than all
    kind = ',backendtype=qdisk' if 'unplug=never' in (cmdline or '') else ''
    x.config['disk'] = [image + ',raw,hda,rw' + kind, x.script(script) + ',raw,hdb,rw' + kind,
                        x.image('data.img') + ',raw,hdc,rw' + kind, cd('cd.iso', 'hdd')]
    x.create()
    return x


def progress(x, tape, words, more, limit=90):
    """Each kind of load ends so many more rounds, all with the right checksum."""
    before = {w: len(tape.said(w)) for w in words}
    end = time.monotonic() + limit
    while True:
        x.check()
        error = re.search('@ERROR.*', x.serial())
        if error:
            raise Failed('guest: ' + error[0])
        now = {w: tape.said(w) for w in words}
        for w in words:
            wrong = [n for n, s in now[w] if s != expected()]
            if wrong:
                raise Failed('%s: wrong checksum in round %s of %d: %s' % (
                    w, wrong[0], len(now[w]), re.findall('@%s %s .*' % (w, wrong[0]), tape.past + x.serial())))
        if all(len(now[w]) >= before[w] + more for w in words):
            return
        if time.monotonic() > end:
            raise Failed('in %d s only %s' % (limit, ', '.join(
                '%d rounds of %s' % (len(now[w]) - before[w], w) for w in words)))
        time.sleep(0.5)


WORDS = ('DISK', 'COPY', 'NET')


def save_load():
    """A guest without any PV support, its disk and card busy, is saved and restored again
    and again: it is stopped wherever it is, requests in flight."""
    with pv.Server(900):
        x = start('save', LOAD, 'xen_nopv xen_emul_unplug=never')
        tape = Tape(x)
        x.wait_serial('@LOADED', 150)
        progress(x, tape, WORDS, 1)
        out, back, state = [], [], []
        for _ in range(CYCLES):
            out.append(save(x))
            state.append(times(x))
            tape.turn()
            back.append(restore(x))
        progress(x, tape, WORDS, 2)
        note('%d cycles, %.1f s to save, %.1f s to restore' % (CYCLES, sum(out) / CYCLES, sum(back) / CYCLES))
        tell(state)
        note(', '.join('%d rounds of %s' % (len(tape.said(w)), w) for w in WORDS))
        if not PEER:
            want('a state of at most 64 KiB', max(s[0] for s in state) <= 65536, True)


def tell(state):
    if not PEER:
        note('state %d bytes, saved in %.1f ms (at most %.1f), stopped in %.1f ms (at most %.1f)' % (
            state[-1][0], sum(s[1] for s in state) / len(state) / 1e3, max(s[1] for s in state) / 1e3,
            sum(s[2] for s in state) / len(state) / 1e3, max(s[2] for s in state) / 1e3))


def by_hand(x):
    """Milliseconds of stop and save for a guest that does nothing, each with a connection of
    its own: the same for every device model."""
    g.run('xl', 'pause', x.name)
    begun = time.monotonic()
    x.qmp('stop')
    stopped = time.monotonic()
    x.qmp('xen-save-devices-state', filename=x.dir + '/state', live=True)
    saved = time.monotonic()
    x.qmp('cont')
    g.run('xl', 'unpause', x.name)
    return (stopped - begun) * 1e3, (saved - stopped) * 1e3


def pixels(x):
    x.screen()
    return x.vnc.w, x.vnc.h, bytes(v for i, v in enumerate(x.vnc.fb) if i & 3 != 3)


def save_screen():
    """Text and graphics: after the restore the screen is the same, pixel by pixel, and goes
    on to work; a login by the keyboard. The guest may have more memory than before, or less."""
    for name, mode, most in (('text', 0, (('mem-max', 240),)),
                             ('graphics', 0x114, (('mem-set', 160), ('mem-max', 160)))):
        x = start('save-' + name, IDLE, 'xen_emul_unplug=never', mode, **({} if PEER else {'vncpasswd': 'geheim'}))
        x.wait_serial('@DONE', 150)
        x.wait_screen('login:', 60)
        time.sleep(2)
        before = pixels(x)
        want('a screen of text', (before[0] in (720, 640)), mode == 0)
        x.shot('save-%s-before' % name)
        # the device model of the restored guest is told another -m
        for command, mib in most:
            g.run('xl', command, x.name, '%dm' % mib)
        save(x)
        restore(x, '-p')
        after = pixels(x)
        x.shot('save-%s-after' % name)
        want('size of the screen', after[:2], before[:2])
        if after[2] != before[2]:
            wrong = [i for i in range(0, len(before[2]), 3) if after[2][i:i + 3] != before[2][i:i + 3]]
            raise Failed('%s: %d of %d pixels differ, first in row %d, last in row %d' % (
                name, len(wrong), before[0] * before[1], wrong[0] // 3 // before[0], wrong[-1] // 3 // before[0]))
        g.run('xl', 'unpause', x.name)
        # Linux sets the keyboard up anew when it is resumed; meanwhile keys get lost
        time.sleep(8)
        x.vnc.type('root\n')
        x.wait_screen('/root ', 30)  # not all letters of Linux's own font are the BIOS's
        x.command('echo typed $((6*7)) by VNC', 'typed 42 by')
        x.shot('save-%s-typed' % name)
        x.disconnect()
        taken = sorted(by_hand(x) for _ in range(5))[2]
        note('%s: stop by QMP %.1f ms, save %.1f ms' % (name, *taken))
        x.destroy()


def save_go_on():
    """xl save -c, and a save that fails: the same process goes on with the guest, busy disks
    and all."""
    with pv.Server(900):
        x = start('go-on', LOAD, 'xen_emul_unplug=never')
        tape = Tape(x)
        x.wait_serial('@LOADED', 150)
        progress(x, tape, WORDS, 1)
        pid, state = x.pid, []
        for _ in range(2):
            save(x, '-c')
            state.append(times(x))
            x.find()
            want('the process', x.pid, pid)
            progress(x, tape, WORDS, 1)
        tell(state)
        # the file system is full in the middle of the guest's memory: it was stopped by then
        small = x.dir + '/small'
        os.mkdir(small)
        g.run('mount', '-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', small)
        p = subprocess.run(['xl', 'save', x.name, small + '/file'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=180, check=False)
        g.run('umount', small)
        want('a save to a full disk fails', p.returncode != 0, True)
        want('saves of the device model', len(re.findall('state of the devices saved', x.dm_log())), 0 if PEER else 3)
        x.find()
        want('the process', x.pid, pid)
        progress(x, tape, WORDS, 1)
        # and can be saved for good
        save(x)
        tape.turn()
        restore(x)
        progress(x, tape, WORDS, 1)


def numbers(x):
    return [int(n) for n in re.findall(r'^number (\d+)$', x.screen(), re.M)]


def migrate():
    """To this host, while the guest scrolls its text screen, reads, writes and fetches, with
    a viewer who comes back afterwards."""
    with pv.Server(900):
        x = start('migrate', LOAD + COUNT, 'xen_emul_unplug=never')
        tape = Tape(x)
        x.wait_serial('@COUNTING', 150)
        progress(x, tape, WORDS, 1, 150)
        want('lines of numbers', len(numbers(x)) > 8, True)
        viewer, old = x.vnc, x.domid
        viewer.full()
        p = subprocess.run(['xl', 'migrate', '-p', '-s', '', x.name, 'xl migrate-receive -p'], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240, check=False)
        if p.returncode:
            raise Failed('xl migrate: %s; device model said: %s' % (p.stdout[-700:], x.dm_log()[-500:]))
        tape.turn()
        x.disconnect()
        x.find()
        want('another domain', x.domid != old, True)
        seen = numbers(x)
        x.shot('migrate-paused')
        want('lines of numbers', len(seen) > 8, True)
        want('numbers in a row', seen, list(range(seen[0], seen[0] + len(seen))))
        g.run('xl', 'unpause', x.name)
        progress(x, tape, WORDS, 1, 150)
        g.wait(lambda: numbers(x)[-1] > seen[-1], 60, 'the guest counts not on from %d' % seen[-1])
        x.shot('migrate-after')
        note('numbers %d to %d when it went' % (seen[0], seen[-1]))


PV_LOAD = pv.PRELUDE + '''
await 20 [ -b /dev/xvdc2 ]
mkdir /m && mount -t ext4 /dev/xvdc2 /m || fail "mount of xvdc2"
net_up
''' + READS + FETCHES + '''
say "LOADED"
'''


def aside(x, what):
    """What PV drivers had unplugged is gone again."""
    if PEER:
        return
    g.wait(lambda: pv.open_files(x) == ['cd.iso', 'serial'], 10, '%s: files held open: %s' % (what, pv.open_files(x)))
    taps = g.run('ip', '-o', 'link', 'show')
    want('taps ' + what, re.findall(r'vif%d\.\d+-emu' % x.domid, taps), [])
    want('disks and cards ' + what, [(d['kind'], d['attached']) for d in x.qmp('query-hvmd-stats')['disks']],
         [('disk', False)] * 3 + [('cdrom', True)])


def save_pv():
    """A guest whose PV drivers took over: what they unplugged stays so."""
    words = ('DISK', 'NET')
    with pv.Server(900):
        x = start('save-pv', PV_LOAD, None)
        tape = Tape(x)
        x.wait_serial('@LOADED', 150)
        progress(x, tape, words, 1)
        aside(x, 'before')
        save(x)
        state = times(x)
        tape.turn()
        restore(x)
        progress(x, tape, words, 1)
        aside(x, 'after the restore')
        tell([state])


KEXEC = pv.PRELUDE + '''
await 20 [ -b /dev/xvdc2 ]
seen
mkdir /m && mount -t ext4 /dev/xvdc2 /m || fail "mount of xvdc2"
if ! grep -q second=1 /proc/cmdline; then
    # the kernel and the initrd lie behind the loader: four words at sector 64
    set -- $(dd if=/dev/xvda bs=512 skip=64 count=1 2> /dev/null | od -A n -t u4 -N 16)
    dd if=/dev/xvda bs=512 skip=$1 count=$((($2 + 511) / 512)) 2> /dev/null | head -c $2 > /tmp/kernel
    dd if=/dev/xvda bs=512 skip=$3 count=$((($4 + 511) / 512)) 2> /dev/null | head -c $4 > /tmp/initrd
    # Linux gives away as much memory as the screen has, and the next kernel would
    # take the holes for memory: it is taken back first
    m=/sys/devices/system/xen_memory/xen_memory0
    all=$(awk '/ present / {n += $2} END {print n * 4}' /proc/zoneinfo)
    echo $all > $m/target_kb
    await 60 grep -qx $all $m/info/current_kb
    kexec -l /tmp/kernel --initrd=/tmp/initrd --command-line="$(cat /proc/cmdline) second=1" || fail "kexec -l"
    umount /m
    say "KEXEC"
    kexec -e
    fail "kexec came back"
fi
say "READ $(sum /m/big)"
umount /m
net_up
nictool get $gw 9011 > /tmp/big || fail "nictool get"
say "FETCHED $(sum /tmp/big)"
rm /tmp/big
cd_read CD
say "DONE"
'''


def kexec():
    """A guest with PV drivers starts another kernel, which unplugs once more: the toolstack
    hands the domain from one device model to the next."""
    with pv.Server(900):
        x = start('kexec', KEXEC, None, memory=320)
        first, pid = x.domid, x.pid
        x.wait_serial('@KEXEC', 150)
        g.wait(lambda: not os.path.exists('/proc/%d' % pid), 90, 'the first device model is still there')
        g.wait(lambda: g.xenstore('/local/domain/%d/image/device-model-pid' % first).isdigit(), 90,
               'no other device model')
        g.wait(lambda: g.xenstore('/local/domain/%d/console/vnc-port' % first).isdigit(), 60, 'no VNC port')
        x.find()
        want('the domain', x.domid, first)
        x.wait_serial('@DISKS', 150)
        want('checksum by blkfront', x.wait_serial(r'@READ (\w+)', 150)[1], fixture('big.sha256'))
        want('checksum by netfront', x.wait_serial(r'@FETCHED (\w+)', 150)[1], fixture('big.sha256'))
        want('checksum of the CD', x.wait_serial(r'@CD (\w+)', 150)[1], fixture('big.sha256'))
        x.wait_serial('@DONE', 30)
        aside(x, 'after kexec')
        x.screen()
        x.shot('kexec-after')
        note(' / '.join(line for line in x.dm_log().splitlines() if 'unplug' in line))


TESTS = (save_load, save_screen, save_go_on, migrate, save_pv, kexec)

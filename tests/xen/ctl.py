# SPDX-License-Identifier: GPL-2.0-or-later
"""hvmctl beside two guests: one on emulated devices, one whose PV drivers took over."""
import os
import re
import subprocess
import time

import guest as g
import pv
from bed import DM, OUT, new, note, want
from guest import Failed


def program():
    """hvmctl beside the device model, in a build or where both are installed."""
    for path in (os.path.dirname(DM) + '/hvmctl/hvmctl', os.path.dirname(DM) + '/../bin/hvmctl', '/usr/local/bin/hvmctl'):
        if os.access(path, os.X_OK):
            return path
    raise Failed('there is no hvmctl for %s' % DM)


def ask(*argv, check=True):
    return g.run(program(), *argv, check=check)


def row(text, domid):
    for line in text.splitlines():
        if re.match(r' *%d ' % domid, line):
            return line
    raise Failed('no line for domain %d in: %s' % (domid, text))


def control():
    """list, status, stats, top, metrics, screenshot and the unplug journal."""
    plain = new('plain')
    plain.config['disk'] = [plain.image('linux.img', cmdline='t=none') + ',raw,hda,rw']
    plain.create()
    aside, _ = pv.start('aside', 'say HERE\n')
    plain.wait_serial('@READY', 150)
    aside.wait_serial('@HERE', 150)
    time.sleep(2)
    listed = ask('list')
    want('the state of a guest on emulated devices', 'emulating' in row(listed, plain.domid), True)
    want('the state of a guest on PV drivers', 'aside' in row(listed, aside.domid), True)
    for x in (plain, aside):
        want('the name in "status"', x.name in ask('status', x.name), True)
    stats = ask('stats', 'plain')
    want('requests of the disk in "stats"', bool(re.search(r'(?m)^.*ide', stats)), True)
    journal = ask('unplug', 'aside')
    note('journal: ' + journal.strip().splitlines()[-1].strip())
    want('the driver in the journal', 'linux' in journal.lower(), True)
    metrics = ask('metrics')
    for x in (plain, aside):
        want('hvmd_up', 'hvmd_up{domid="%d"} 1' % x.domid in metrics, True)
    want('stepped aside', re.findall(r'(?m)^hvmd_stepped_aside\{domid="(\d+)".*\} 1$', metrics), [str(aside.domid)])
    png = OUT + '/control-screen.png'
    ask('screenshot', 'plain', png)
    with open(png, 'rb') as f:
        want('head of the screenshot', f.read(8), b'\x89PNG\r\n\x1a\n')
    env = dict(os.environ, COLUMNS='110', LINES='30', TERM='xterm')
    p = subprocess.run(['script', '-qec', 'stty rows 30 cols 110; %s top -n 3 -d 1' % program(), OUT + '/control-top.tty'],
                       env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       timeout=60, check=False)
    want('exit status of top', p.returncode, 0)
    for x in (plain, aside):
        want('%s in top' % x.name, x.name in p.stdout, True)
    rows = (row(ask('top', '-n', '1', '-d', '1'), plain.domid), row(ask('top', '-n', '1', '-d', '1'), aside.domid))
    for line in rows:
        note(re.sub(' +', ' ', line).strip())


TESTS = (control,)

# SPDX-License-Identifier: GPL-2.0-or-later
"""What the boot tests share: the device model, the guests of the test that runs, what it
noted, and how it fails."""
import os

import guest as g
from guest import Failed, Guest

DM = os.environ['DM']
PEER = DM == g.PEER
OUT = os.environ.get('XENBOX_SHARE', '/tmp')
guests = []
notes = []


def new(name, **config):
    if os.environ.get('RECORD'):
        config['device_model_args_hvm'] = ['-record', '%s/%s.trace' % (OUT, name)]
    x = Guest(name, DM, OUT, **config)
    guests.append(x)
    return x


def want(what, value, expected):
    if value != expected:
        raise Failed('%s: %r instead of %r' % (what, value, expected))


def note(text):
    notes.append(text)


def fixture(name):
    return open('%s/%s' % (g.IMAGES, name)).read().strip()


def cd(name, device):
    return '%s/%s,raw,%s:cdrom,r' % (g.IMAGES, name, device)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of ./demo that runs in dom0: one guest, its progress, its screen shot."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rfb  # noqa: E402
from guest import Failed, Guest, Lost  # noqa: E402

KIND, STAY = os.environ['KIND'], os.environ['STAY'] == '1'


def say(text):
    print(text, flush=True)


def show(x):
    """Waits for the login, or for an image of the user's until its screen rests."""
    if KIND == 'default':
        x.wait_screen('GRUB|SeaBIOS|Linux version', 90)
        say('the BIOS runs')
        x.wait_serial('@INIT', 300)
        say('Linux runs')
        x.wait_screen('login:', 120)
        say('the login prompt is on the screen')
        return
    before, end = b'', time.monotonic() + 180
    rested = 0
    while rested < 3 and time.monotonic() < end:
        text = [s for s in x.screen().splitlines() if s.strip(' \ufffd')]
        now = bytes(x.vnc.fb)
        rested = rested + 1 if now == before else 0
        before = now
        say('screen %dx%d %s' % (x.vnc.w, x.vnc.h, '| ' + text[-1].strip()[:70] if text and '\ufffd' not in text[-1] else ''))
        x.check()
        time.sleep(8)


def main():
    for _ in range(3):
        x = Guest('demo', os.environ['DM'], vnclisten='0.0.0.0', memory=int(os.environ['MEMORY']), vncunused=0,
                  vncdisplay=0)
        if KIND == 'default':
            x.config['disk'] = [x.image('demo.img') + ',raw,hda,rw']
        elif KIND == 'cd':
            x.config.update(disk=['/host%s,raw,hdc:cdrom,r' % os.environ['IMAGE']], boot='d')
        else:
            x.config['disk'] = ['/share/disk.img,raw,hda,rw']
        say('Xen is up; xl creates the guest')
        try:
            x.create()
            say('the guest runs on %s, domain %d' % (os.environ['DM'].rsplit('/', 1)[1], x.domid))
            show(x)
            x.screen()
            x.shot('demo')
            say('@SHOT')
            x.disconnect()
            while STAY and x.current() is not None:
                time.sleep(2)
            if STAY:
                say('the guest has ended')
            x.destroy()
            return 0
        except Lost:
            say('the CPU emulator lost the guest; once more')
            x.destroy()
        except (Failed, rfb.RfbError, OSError) as e:
            say('failed: %s' % e)
            x.keep('demo-failed')
            x.destroy()
            return 1
    return 1


sys.exit(main())

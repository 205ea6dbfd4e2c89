#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bad_input.py HVMD [DOMID]: starts hvmd with libxl's arguments and one thing wrong.
It must say so in one line on stderr and exit with a status other than 0. With DOMID,
a paused domain of the Xen this runs on, all cases run; without Xen those are skipped
that hvmd cannot reach. One line each: PASS, FAIL or SKIP."""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

HVMD = os.path.abspath(sys.argv[1])
DOMID = sys.argv[2] if len(sys.argv) > 2 else None
NOBODY = 65534
tmp = tempfile.mkdtemp(prefix='hvmd-bad.')
os.chmod(tmp, 0o755)


def file(name, size, mode=0o644):
    path = os.path.join(tmp, name)
    with open(path, 'wb') as f:
        f.truncate(size)
    os.chmod(path, mode)
    return path


def argv(disk=None, vnc='127.0.0.1:57,to=99', extra=(), cd=None):
    a = ['-xen-domid', DOMID or '1', '-no-shutdown',
         '-chardev', 'socket,id=libxl-cmd,path=%s/qmp,server=on,wait=off' % tmp, '-mon', 'chardev=libxl-cmd,mode=control',
         '-nodefaults', '-no-user-config', '-name', 'bad', '-vnc', vnc, '-display', 'none', '-serial', 'null',
         '-device', 'VGA,vgamem_mb=16', '-boot', 'order=c', *extra,
         '-machine', 'xenfv,suppress-vmdesc=on', '-m', '240',
         '-drive', 'file=%s,if=ide,index=0,media=disk,format=raw,cache=writeback' % (disk or file('good', 1 << 20))]
    if cd:
        a += ['-drive', 'if=none,readonly=on,id=ide-5632,file=%s,format=raw' % cd,
              '-device', 'ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0']
    return a


def start(a, nobody=False, hidden=None, env=None):
    hide = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none %s && exec "$@"' % hidden, 'sh'] if hidden else []

    # the build may lie where nobody else may look
    program = shutil.copy(HVMD, tmp + '/hvmd') if nobody else HVMD

    def drop():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    return subprocess.run([*hide, program, *a], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=20, preexec_fn=drop if nobody and os.getuid() == 0 else None, check=False,
                          env={**os.environ, **(env or {})})


counts = {'PASS': 0, 'FAIL': 0, 'SKIP': 0}


def verdict(word, name, why=''):
    counts[word] += 1
    print(word, name, ('-- ' + why) if why else '', flush=True)


def case(name, expected, a, needs_xen=False, **how):
    if needs_xen and not DOMID:
        return verdict('SKIP', name, 'needs Xen')
    try:
        p = start(a, **how)
    except subprocess.TimeoutExpired:
        return verdict('FAIL', name, 'it goes on instead of ending')
    said = p.stderr.decode(errors='replace')
    lines = [s for s in said.splitlines() if s.strip()]
    if not DOMID and 'xen' in said.lower() and not re.search(expected, said, re.I):
        return verdict('SKIP', name, 'stopped at Xen')
    if p.returncode <= 0:
        return verdict('FAIL', name, 'exit status %d; it said: %s' % (p.returncode, said[-300:]))
    if len(lines) != 1:
        return verdict('FAIL', name, '%d lines on stderr: %s' % (len(lines), said[-500:]))
    if not re.search(expected, lines[0], re.I):
        return verdict('FAIL', name, 'no /%s/ in: %s' % (expected, lines[0]))
    return verdict('PASS', name, lines[0])


def main():
    os.mkdir(tmp + '/folder')
    # root may write to what its mode forbids; a read-only mount stops it as well
    read_only = file('read-only', 1 << 20, 0o444)
    nobody = True
    if DOMID:
        read_only, nobody = os.path.join(os.environ['HVMD_CACHE'], 'guests/linux.img'), False
    busy = socket.socket()
    busy.bind(('127.0.0.1', 0))
    busy.listen(1)
    port = busy.getsockname()[1]

    case('missing image', 'missing', argv(tmp + '/missing'))
    case('missing CD image', 'missing', argv(cd=tmp + '/missing'))
    case('read-only image for a hard disk', 'read-only|permission|writ', argv(read_only), nobody=nobody)
    case('image of zero size', 'zero|empty|size', argv(file('zero', 0)))
    case('image of odd size', 'odd|multiple|512|size', argv(file('odd', 1000)))
    case('folder as image', 'folder|directory|regular', argv(tmp + '/folder'))
    os.mkfifo(tmp + '/pipe')
    case('pipe as CD image', 'unit 2.*neither a regular file nor', argv(cd=tmp + '/pipe'))
    twice = file('twice', 1 << 20)
    case('one image as disk and CD', 'unit 0 and unit 2.*image of its own', argv(twice, cd=twice))
    if DOMID:
        # the domain's own hvmd has its video memory already; boot.py tries with xl
        verdict('SKIP', 'port in use', 'tried with xl create')
    else:
        case('port in use', 'in use|port|listen|bind', argv(vnc='127.0.0.1:%d' % (port - 5900)))
    case('bad VNC address', 'vnc|address|host|display', argv(vnc='nonsense'))
    for mac in ('00:16:3e:zz:00:01', '00:16:3e:01:02', 'nonsense'):
        case('bad MAC ' + mac, 'mac', argv(extra=['-device', 'rtl8139,id=nic0,netdev=net0,mac=' + mac, '-netdev',
             'type=tap,id=net0,ifname=hvmdbad,br=xenbr0,script=no,downscript=no']))
    case('unknown option', 'frobnicate', argv(extra=['-frobnicate']))
    case('state from elsewhere', r'-incoming.*fd:N', argv(extra=['-incoming', 'tcp:0:4444']))
    case('state in no open file', r'-incoming fd:77\b.*no such open file', argv(extra=['-incoming', 'fd:77']))
    case('recording to a file that is there', r'-record .*twice.*there already', argv(extra=['-record', twice]))
    case('recording to a folder that is not', r'-record .*No such file', argv(extra=['-record', tmp + '/none/trace']))
    case('recording without a name', r'-record has an empty value', argv(extra=['-record', '']))
    case('two recordings', r'-record', argv(extra=['-record', tmp + '/a', '-record', tmp + '/b']))
    case('unknown device', 'frobnicator', argv(extra=['-device', 'frobnicator,id=x']))
    case('option without its argument', '-m', ['-xen-domid', '1', '-m'])
    case('bad memory size', '-m|memory|lots', argv(extra=['-m', 'lots']))
    case('bad domain number', 'domid|domain', ['-xen-domid', 'x'])
    case('option of qemu-dm that is not served', 'sdl.*vnc=1', ['-d', '1', '-domain-name', 'bad', '-sdl'])
    case('no domain in qemu-dm\'s arguments', '-d is missing', ['-domain-name', 'bad'])
    case('no /dev/xen', 'xen(?!store)', argv(), needs_xen=True, hidden='/dev/xen')
    case('not root', 'xen', argv(file('anyone', 1 << 20, 0o666)), nobody=True)
    case('no domain of that number', 'domain|domid', ['-xen-domid', '31000'] + argv()[2:], needs_xen=True)
    case('no xenstore', 'xenstore', argv(), needs_xen=True, env={'XENSTORED_PATH': tmp + '/no-xenstore'})
    left = [n for n in os.listdir(tmp) if n == 'qmp']
    verdict('FAIL' if left else 'PASS', 'nothing left behind', 'the QMP socket' if left else '')
    shutil.rmtree(tmp)
    print('%(PASS)d passed, %(FAIL)d failed, %(SKIP)d skipped' % counts)
    sys.exit(1 if counts['FAIL'] else 0)


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""trace_seeds_test.py TRACE_REPLAY TRACE FUZZ_TARGET...: seeds of a trace are short, are
inputs of the target, and reach the devices where the target has them."""
import os
import subprocess
import sys
import tempfile

import trace_seeds

REPLAY, TRACE, TARGETS = sys.argv[1], sys.argv[2], sys.argv[3:]
# a guest's firmware, reset and Linux have the bus master at 0xc100
WANT = {"ata": ["outb 0xc000 0x9", "outl 0xc004 ", "repin 0x1f0 ", "cfgoutl 0x920 0xc001"],
        "machine": ["outb 0xc000 0x9", "outl 0xc004 ", "cfgoutl 0x920 0xc001", "outw 0x3d4 ",
                    "cfgoutl 0x1010 0xc101"],
        "uart": ["outb 0x3f8 ", "inb 0x3fd"]}


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


text = said(REPLAY, "-s", str(1 << 60), TRACE)
for exe in TARGETS:
    name = os.path.basename(exe)[5:]
    made = trace_seeds.seeds(name, trace_seeds.windows(said(exe, "--windows")), text, "x")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "text"), "w", encoding="ascii") as f:
            f.write(made)
        inputs = os.path.join(folder, "inputs")
        os.mkdir(inputs)
        said(exe, "--make", f.name, inputs)
        files = [os.path.join(inputs, n) for n in os.listdir(inputs)]
        assert files, name
        assert max(map(os.path.getsize, files)) <= trace_seeds.PIECE, name
        shown = "".join(said(exe, "--show", f) for f in files)
        for line in WANT[name]:
            assert line in shown, (name, line)
        assert "0xc10" not in shown or name == "machine"
        print(name, said(exe, inputs).strip())

# SPDX-License-Identifier: GPL-2.0-or-later
"""Dictionaries for the fuzz targets: words of the sources, or steps of the seeds."""
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Targets that read words, and where the words are.
WORDS = {"options": "src/ctl/options.def", "dmoptions": "src/ctl/options.def",
         "qmp": "src/ctl/*qmp_*.c", "qtest": "src/qtest/wire_cmds.c",
         "store": "src/ctl/trad_store.c", "vnc": "src/vnc/vnc_fuzz.c", "savefile": "src/devices/*/*.c"}
# What stands before these: names of devices.
AFTER = {"savefile": r"\.name = "}
LONGEST = 64  # of a word, for libFuzzer


def literals(name):
    """The string literals of the sources."""
    text = "".join(f.read_text() for f in sorted(ROOT.glob(WORDS[name])))
    text = re.sub("^#include.*", "", text, flags=re.M)
    words = re.findall(AFTER.get(name, "") + r'"((?:[^"\\\n]|\\.){2,40})"', text)
    return {w.encode() for w in words if not re.search(r"[%\\]| .* ", w)}


def steps(name, exe):
    """Each step of seeds.d/TARGET.txt, and each line of TARGET.lines, as the target makes them."""
    words = set()
    for text in (ROOT / "tests" / "fuzz" / "seeds.d").glob(f"{name}.*"):
        with tempfile.TemporaryDirectory() as made:
            if text.suffix == ".txt":
                each = sorted({w for w in text.read_text().splitlines()
                               if w and not w.startswith(("#", "seed ", "bytes "))})
                text = Path(made) / "words.txt"
                text.write_text("".join(f"seed {n}\n{w}\n" for n, w in enumerate(each)))
            subprocess.run([exe, "--make", text, made], check=True, stderr=subprocess.DEVNULL)
            words |= {f.read_bytes() for f in Path(made).iterdir() if f != text}
    return words


def dictionary(folder, name, exe):
    """As libFuzzer wants it; or None."""
    words = literals(name) if name in WORDS else steps(name, exe)
    words = sorted(w for w in words if 1 < len(w) <= LONGEST)
    if not words:
        return None
    out = folder / f"{name}.dict"
    out.write_text("".join('"' + "".join(f"\\x{c:02x}" for c in w) + '"\n' for w in words))
    return out

# SPDX-License-Identifier: GPL-2.0-or-later
"""Dictionaries for the fuzz targets that read words, made of the sources."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where the words are.
WORDS = {"options": "src/ctl/options.def", "dmoptions": "src/ctl/options.def",
         "qmp": "src/ctl/*qmp_*.c", "qtest": "src/qtest/wire_cmds.c",
         "store": "src/ctl/trad_store.c", "vnc": "src/vnc/vnc_fuzz.c"}


def dictionary(folder, name):
    """The string literals of the sources, as libFuzzer wants them; or None."""
    if name not in WORDS:
        return None
    text = "".join(f.read_text() for f in sorted(ROOT.glob(WORDS[name])))
    words = {w for w in re.findall(r'"((?:[^"\\\n]|\\.){2,40})"', text) if not re.search(r"[%\\]| .* ", w)}
    out = folder / f"{name}.dict"
    out.write_text("".join(f'"{w}"\n' for w in sorted(words)))
    return out

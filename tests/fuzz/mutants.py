# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds the bounds checks of C sources, by rule, and what each is without it.

A comparison (< <= > >=) counts when one side looks like a limit: a constant, a
number, or a name such as len, limit, end. What takes it away:

  guard   in an if that only leaves, or sets what it compares: never true
  use     in any other if, before a ? and in a return: as if what is compared
          were in range, so that < is true and > is not
  budget  in the condition of a loop that has others, or counts a budget
  mask    & or % inside [ ]: gone
  field   the greatest value that a table of saved state takes: any

Left out is a mask of a saved field or of a register in a table, and the end of a
loop up to one, that lets through all that the table takes: the table is the check,
and a mutant of its own. That no guest gets beyond a table is what targets look at
(save_one() in src/bench/steps_save.c).
"""
import re
from dataclasses import dataclass

LIMIT = re.compile(r"[A-Z][A-Z0-9_]{2,}|\bsizeof\b|(?<![\w.])(0x[0-9a-f]+|\d+)u?\b|"
                   r"(len|size|bytes|limit|max|most|end|left|room|budget|fill|count|words|"
                   r"slots|sectors|heads|cyls|blocks|rows|width|height)\b")
BUDGET = re.compile(r"BUDGET|MOST|_MAX\b|budget|--")
# results of calls and moments are no bounds
OTHER = re.compile(r"^\(?(rc|err|fd)\b|_ns\b|\bnow\b|_NS\b")
COMPARE = re.compile(r"(?<![-<>=!])(<=?|>=?)(?![<>=])")
# a table's row: the member and its greatest value, as it is written
ROW = re.compile(r"\b(?:FIELD_MAX\(\w[\w ]*, (?:\w+\[n\]\.)?(\w+), \d+, |FM\((\w+), )([^();]+)\)")
# a register's: its name, its number and the bits that it has
REGISTER = re.compile(r"\bR\((\w+), +\w+, +(0x[0-9a-f]+)\)")
INDEX = r"\w+(?:->|\.)(?:s\.)?\w+\[(\w+)\]"
MEMBER = r"\w+(?:->|\.)(?:r\.|s\.|regs\.)?(\w+)"
LEAVES = re.compile(r"(return|break|continue|goto \w+|return (-?\w+|err_set.*|\w+_error.*|UINT\d+_C.*))$", re.S)


@dataclass
class Mutant:
    path: str
    line: int
    kind: str
    start: int
    end: int
    old: str
    new: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.kind}: {' '.join(self.old.split())}"

    def apply(self, text):
        return text[:self.start] + self.new + text[self.end:]


def blank(text):
    """The same length without comments, strings and the preprocessor's lines."""
    def gone(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", gone, text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", gone, text, flags=re.M)


def closing(text, at):
    """Where the bracket that opens at `at` closes."""
    depth = 0
    for i in range(at, len(text)):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
            if not depth:
                return i
    return len(text) - 1


def split(text, start, end, seps):
    """Ranges between the separators that stand in no bracket."""
    parts, depth, at, i = [], 0, start, start
    while i < end:
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
        elif not depth:
            sep = next((s for s in seps if text.startswith(s, i)), None)
            if sep:
                parts.append((at, i))
                i += len(sep)
                at = i
                continue
        i += 1
    return parts + [(at, end)]


def trim(text, start, end):
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def terms(text, start, end, negated=False):
    """The comparisons of a condition: start, end, under a `!`, one of several."""
    parts = split(text, start, end, ("&&", "||"))
    for a, b in parts:
        a, b = trim(text, a, b)
        flip = negated
        while a < b and text[a] == "!" and text[a + 1] != "=":
            a, flip = trim(text, a + 1, b)[0], not flip
        if a < b and text[a] == "(" and closing(text, a) == b - 1:
            for t in terms(text, a + 1, b - 1, flip):
                yield t[:3] + (t[3] or len(parts) > 1,)
        elif not re.search(r"[?:]", text[a:b]):
            yield a, b, flip, len(parts) > 1


def compared(text, start, end):
    """The two sides and the operator, if it is a comparison with a limit."""
    depth = 0
    for i in range(start, end):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        m = not depth and COMPARE.match(text, i)
        if m and m.end() <= end:
            left, right = text[start:i].strip(), text[m.end():end].strip()
            if OTHER.search(left) or OTHER.search(right) or right == "0" or left == "0":
                return None
            return (left, m.group(1), right) if LIMIT.search(left + " " + right) else None
    return None


def body(text, at):
    """The statement after a condition, and the last one in it if a block."""
    at += len(text[at:]) - len(text[at:].lstrip())
    if text[at] == "{":
        inside = text[at + 1:closing(text, at)]
        last = [s.strip() for s in inside.rstrip().rstrip(";").split(";")][-1]
        return inside, last
    stop = split(text, at, min(len(text), at + 2000), (";",))[0][1]
    return text[at:stop], text[at:stop].strip()


def sets(statement, condition):
    m = re.match(r"\s*\*?([\w>.\[\]-]+) = ", statement)
    return bool(m) and m.group(1) in condition


def tables(texts):
    """The members that have one greatest value in all tables of a folder, and the
    registers, with their bits."""
    most = {}
    for text in texts:
        for m in REGISTER.finditer(text):
            most.setdefault(m.group(1), set()).add(m.group(2))
        for m in ROW.finditer(blank(text)):
            most.setdefault(m.group(1) or m.group(2), set()).add(m.group(3).strip())
    return {name: values.pop() for name, values in most.items() if len(values) == 1}


def number(text):
    return int(text.rstrip("u"), 0) if re.fullmatch(r"(0x[0-9a-f]+|\d+)u?", text) else None


def kept(most, op, limit):
    """Whether all up to `most` is left as it is by & or % limit."""
    if op == "%" and most == f"{limit} - 1":
        return True
    a, b = number(most), number(limit)
    if a is None or b is None:
        return False
    return a < b if op == "%" else not b & (b + 1) and a <= b


def scan(path, text, most={}):
    """All mutants of one file; most: tables() of its folder."""
    clean, out = blank(text), {}

    def counted(index, op, limit):
        m = re.fullmatch(MEMBER, index.strip()) or re.fullmatch(INDEX, index.strip())
        return not (m and m.group(1) in most and kept(most[m.group(1)], op, limit))

    def add(kind, start, end, new):
        line = text.count("\n", 0, start) + 1
        out.setdefault((start, end), Mutant(path, line, kind, start, end, text[start:end], new))

    def known(kind, start, end, value):
        old = text[start:end]
        add(kind, start, end, f"(1 || ({old}))" if value else f"(0 && ({old}))")

    for m in re.finditer(r"\b(if|while|for) \(", clean):
        start, stop = m.end(), closing(clean, m.end() - 1)
        condition = clean[start:stop]
        if m.group(1) == "if":
            inside, last = body(clean, stop + 1)
            leaves = bool(LEAVES.match(last)) or (";" not in inside.strip().rstrip(";") and sets(inside, condition))
            for a, b, flip, _ in terms(clean, start, stop):
                c = compared(clean, a, b)
                # which of them is the usual way cannot be told
                if c and not ("<" in c[1] and leaves and inside.strip().count(";") > 1):
                    known("guard" if leaves else "use", a, b, flip if leaves else "<" in c[1])
            continue
        if m.group(1) == "for":
            parts = split(clean, start, stop, (";",))
            if len(parts) != 3:
                continue
            start, stop = parts[1]
        for a, b, flip, several in terms(clean, start, stop):
            end = re.fullmatch(r"(\w+) < (\w+)", clean[a:b])
            up_to = end and re.search(rf"\b{end.group(1)} < {MEMBER}", clean[start:stop])
            if up_to and most.get(up_to.group(1)) == end.group(2):
                continue
            if (compared(clean, a, b) and (several or BUDGET.search(clean[a:b]))) or \
                    re.fullmatch(r"\w*(left|budget|n)--|--\w+", clean[a:b]):
                known("budget", a, b, not flip)

    # what stands before a ?, and what a function says of a value
    for m in re.finditer(r"\breturn ([^;]*);", clean):
        for a, b, _, _ in terms(clean, m.start(1), m.end(1)):
            c = compared(clean, a, b)
            if c:
                known("use", a, b, "<" in c[1])
    for m in re.finditer(r"([\w\].)>-]+(?:\([^()]*\))?) (<=?|>=?) ([^?;:&|=<>{}]+?)\s*\?", clean):
        start = m.start(1)
        if compared(clean, start, m.end(3)):
            known("use", start, m.end(3), "<" in m.group(2))

    for m in re.finditer(r"\w\[", clean):
        stop = closing(clean, m.end() - 1)
        for k in re.finditer(r" [&%] (0x[0-9a-f]+u?|\d+u?|[A-Z][A-Z0-9_]{2,}|\(\w+ - 1u?\)|\w*mask)$",
                             clean[m.end():stop]):
            index, op = clean[m.end():m.end() + k.start()], k.group(0)[1]
            if "&&" not in k.group(0) and counted(index, op, k.group(1)):
                add("mask", m.end() + k.start(), stop, "")

    for m in re.finditer(r"\b(FIELD_MAX|FIELD_ARRAY_MAX|FIELD_BOOL)\(", clean):
        stop = closing(clean, m.end() - 1)
        args = split(clean, m.end(), stop, (",",))
        plain = "FIELD_ARRAY" if "ARRAY" in m.group(1) else "FIELD"
        if len(args) >= 3:
            add("field", m.start(), stop + 1, f"{plain}({text[m.end():args[2][1]]})")
    return sorted(out.values(), key=lambda x: x.start)

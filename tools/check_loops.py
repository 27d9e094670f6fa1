#!/usr/bin/env python3
"""Find loops over the elements of tensors that stand above src/backends.

usage: check_loops.py [ROOT]; prints each offence as file:line and exits with 1 if there is one.

Arithmetic on memory belongs in src/backends, where each device has its own; everything above calls ops. What counts is
a `for` whose body (or whose header) indexes raw memory: `.data[`, `data()[`, `data<float>()[`, `.row(i)[`, or a
variable that the file declares as a pointer to, or a vector or span of, f32, f64 or bytes. This is a search by pattern, not a
compiler: it finds what is written in the ways of this project. Files that may loop stand in tools/loops.txt, each
with its reason; a line there that allows nothing any more is an offence too.
"""
import pathlib
import re
import sys

ELEMENT = r"(?:float|double|std::uint8_t|std::int8_t|std::byte|bf16|f16)"
DECLARED = [
    re.compile(r"\b(?:const\s+)?%s\s*\*\s*(?:const\s+|HWY_RESTRICT\s+)*(\w+)" % ELEMENT),
    re.compile(r"\b(?:std::vector|std::span|DeviceSpan)<(?:const\s+)?%s>\s*&?\s*(\w+)" % ELEMENT),
    re.compile(r"\b(?:Const)?Vector\s*&?\s+(\w+)"),
]
DIRECT = re.compile(r"(?:\.|->)data\s*\[|\bdata(?:<[\w:]+>)?\(\)\s*\[|\brow\([^()]*\)\s*\[")
LOOP = re.compile(r"\bfor\s*\(")


def without_comments(text):
    """The text with comments and literals blanked out, line breaks kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def closing(text, at):
    """The place after the bracket that closes the one at `at`."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    stack = []
    for i in range(at, len(text)):
        c = text[i]
        if c in pairs:
            stack.append(pairs[c])
        elif stack and c == stack[-1]:
            stack.pop()
            if not stack:
                return i + 1
    return len(text)


def statement_end(text, at):
    """The place after the statement that begins at `at`: a block, or up to its semicolon."""
    while at < len(text) and text[at].isspace():
        at += 1
    if at < len(text) and text[at] == "{":
        return closing(text, at)
    while at < len(text):
        if text[at] in "({[":
            at = closing(text, at)
        elif text[at] == ";":
            return at + 1
        else:
            at += 1
    return at


def loops_of(text):
    """(begin, end) of each loop, header included."""
    for match in LOOP.finditer(text):
        header = closing(text, match.end() - 1)
        yield match.start(), statement_end(text, header)


def offences_in(text):
    """Lines of the innermost loops that touch elements."""
    text = without_comments(text)
    names = {name for pattern in DECLARED for name in pattern.findall(text)} - {"const", "data"}
    accesses = [m.start() for m in DIRECT.finditer(text)]
    if names:
        indexed = re.compile(r"(?<![\w.>])(?:%s)\s*\[|\*(?:%s)(?:\+\+|\b(?!\s*[(\[]))" % (("|".join(sorted(names)),) * 2))
        accesses += [m.start() for m in indexed.finditer(text)]
    loops = list(loops_of(text))
    lines = set()
    for at in accesses:
        inside = [begin for begin, end in loops if begin <= at < end]
        if inside:
            lines.add(text.count("\n", 0, max(inside)) + 1)
    return sorted(lines)


def read_allowed(path):
    """Path or folder below src/ -> reason."""
    allowed = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            place, _, reason = line.partition(" ")
            if not reason.strip():
                sys.exit(f"{path}: '{place}' has no reason")
            allowed[place] = reason.strip()
    return allowed


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    allowed = read_allowed(root / "tools" / "loops.txt")
    used, count = set(), 0
    for path in sorted((root / "src").rglob("*")):
        name = str(path.relative_to(root / "src"))
        if path.suffix not in (".h", ".cc") or name.startswith("backends/"):
            continue
        lines = offences_in(path.read_text())
        if not lines:
            continue
        entry = next((a for a in allowed if name == a or name.startswith(a.rstrip("/") + "/")), None)
        if entry is not None:
            used.add(entry)
            continue
        for line in lines:
            print(f"src/{name}:{line}: a loop over elements of a tensor: it belongs in src/backends, under an op")
        count += len(lines)
    for entry in allowed:
        if entry not in used:
            print(f"tools/loops.txt: {entry} allows nothing any more")
            count += 1
    print(f"loops: {count} offence(s)")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())

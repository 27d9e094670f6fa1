#!/usr/bin/env python3
"""Check that names which belong to one room stand in that room only (tools/names.txt).

usage: check_names.py [ROOT]; prints each offence as file:line and exits with 1 if there is one.

A rule is "PATTERN : PLACE...": a regular expression, and the files and folders below src/ that may hold what it
finds. Comments do not count; literals do. Lines "@ PATTERN : PLACE : REASON" let a rule's pattern stand in one more place.
"""
import pathlib
import re
import sys

COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.S)


def without_comments(text):
    return COMMENT.sub(lambda m: m.group(1) or re.sub(r"[^\n]", " ", m.group()), text)


def read_rules(path):
    rules = []
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("@ "):
            pattern, place, reason = (part.strip() for part in line[2:].split(" : ", 2))
            if not reason or pattern not in [r[0] for r in rules]:
                sys.exit(f"{path}: '{line}' needs a rule above it and a reason")
            next(r for r in rules if r[0] == pattern)[1].append(place)
        else:
            pattern, places = (part.strip() for part in line.split(" : "))
            rules.append((pattern, places.split()))
    return rules


def may_stand(name, places):
    return any(name == place or name.startswith(place.rstrip("/") + "/") for place in places)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    rules = read_rules(root / "tools" / "names.txt")
    count, used = 0, set()
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc", ".cu"):
            continue
        name = str(path.relative_to(root / "src"))
        text = without_comments(path.read_text())
        for pattern, places in rules:
            for match in re.finditer(pattern, text):
                if may_stand(name, places):
                    used.update((pattern, p) for p in places if may_stand(name, [p]))
                    continue
                line = text.count("\n", 0, match.start()) + 1
                print(f"src/{name}:{line}: '{match.group()}' belongs in {', '.join(places)} only")
                count += 1
    for pattern, places in rules:
        for place in places:
            if (pattern, place) not in used:
                print(f"tools/names.txt: {place} holds no {pattern} any more")
                count += 1
    print(f"names: {count} offence(s)")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Check that every folder of src/ includes only folders on lower rungs (tools/layers.txt).

usage: check_layers.py [ROOT]; prints each offence as file:line and exits with 1 if there is one.
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def read_rules(path):
    rung, third_party, forbidden = {}, [], set()
    for line in path.read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "@":
            third_party.append((words[1], set(words[2:])))
        elif words[0] == "!":
            forbidden.add((words[1], words[2]))
        else:
            rung[words[1]] = int(words[0])
    return rung, third_party, forbidden


def offences(root):
    rung, third_party, forbidden = read_rules(root / "tools" / "layers.txt")
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc", ".cu", ".cuh"):
            continue
        folder = path.relative_to(root / "src").parts[0]
        if folder not in rung:
            yield f"{path.relative_to(root)}: folder '{folder}' is not in tools/layers.txt"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            where = f"{path.relative_to(root)}:{number}"
            target = match.group(2)
            top = target.split("/")[0]
            if match.group(1) == '"' and top in rung and top != folder and rung[top] >= rung[folder]:
                yield f"{where}: {folder} (rung {rung[folder]}) includes {top} (rung {rung[top]})"
            if match.group(1) == '"' and (folder, top) in forbidden:
                yield f"{where}: {folder} includes {top}, of which it knows nothing"
            for prefix, allowed in third_party:
                if target.startswith(prefix) and folder not in allowed:
                    yield f"{where}: <{target}> belongs in {', '.join(sorted(allowed))} only"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(offences(root))
    for line in found:
        print(line)
    print(f"layers: {len(found)} offence(s)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

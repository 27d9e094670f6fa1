#!/usr/bin/env python3
"""Check the public headers: at most 12, including the standard library and each other only, std types in what they say.

usage: check_public_headers.py [ROOT]; prints each offence as file:line and exits with 1 if there is one.
"""
import pathlib
import re
import sys

MOST = 12
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# Names of this project's inside and of other libraries'.
INSIDE = re.compile(r"\b(lq|fmt|nlohmann|hwy|Eigen)::")


def offences(root):
    folder = root / "include" / "lqlora"
    headers = sorted(folder.rglob("*"))
    if len(headers) > MOST:
        yield f"include/lqlora: {len(headers)} headers, but at most {MOST} are allowed"
    for path in headers:
        name = path.relative_to(root)
        if path.suffix != ".h":
            yield f"{name}: only headers belong here"
            continue
        lines = path.read_text().splitlines()
        if "#pragma once" not in lines:
            yield f"{name}: no #pragma once"
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match:
                target = match.group(2)
                standard = match.group(1) == "<" and re.fullmatch(r"[a-z_0-9]+", target)
                ours = match.group(1) == '"' and (root / "include" / target).is_file()
                if not standard and not ours:
                    yield f"{name}:{number}: <{target}> is neither of the standard library nor of lqlora/"
            elif re.match(r"\s*#\s*(if|ifdef|ifndef|define)\b", line):
                yield f"{name}:{number}: no macros: {line.strip()}"
            elif INSIDE.search(line.split("//")[0]):
                yield f"{name}:{number}: a name of the inside: {line.strip()}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(offences(root))
    for line in found:
        print(line)
    print(f"public headers: {len(found)} offence(s)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Writes harbour_log.txt and harbour_log_held_out.txt: a harbour master's log, a style that quill has never read.

Every entry is put together from the lists below by a fixed seed, so the two files are the same wherever this runs; the
days after the last of the first file make the second.
usage: make_harbour_log.py DIRECTORY
"""
import pathlib
import random
import sys

SHIPS = ["Ariel", "Bonny Kate", "Corvina", "Daybreak", "Eider", "Fair Isle", "Grey Heron", "Halcyon", "Inverlee", "Jenny Wren"]
KINDS = ["brig", "ketch", "coal barge", "steam tug", "lugger", "trawler", "mail packet"]
PLACES = ["Leith", "Bergen", "Hull", "Rotterdam", "Cork", "Riga", "Dieppe", "Aberdeen"]
CARGO = ["coal", "salt cod", "pit props", "barrels of tar", "oats", "slate", "machine parts", "wool"]
WINDS = ["NW", "N by E", "SW", "W", "SE", "E by N"]
SKIES = ["overcast", "clear", "fog until noon", "squalls and hail", "haze", "steady rain"]
TROUBLES = [
    "Fouled the second mooring; cleared by boat at slack water.",
    "Quarantine flag; surgeon aboard at ten; released the same day.",
    "Short of water by two casks; supplied from the quay, charged to the owners.",
    "Pilot refused for want of light; anchored in the roads overnight.",
    "Mast sprung; carpenter sent for.",
    "Papers not in order; master to appear before the collector.",
    "Struck the bar on the ebb; no damage found; drew off on the flood.",
]
WORKS = [
    "Dredger at work in the inner basin, {n} tons lifted.",
    "Lamp on the north mole trimmed and the glass cleaned.",
    "Crane No. {k} under repair; stevedores paid off at noon.",
    "Tide gauge read at {h}: {f} feet {i} inches.",
    "Dues collected: {n} pounds, {k} shillings.",
    "Buoy No. {k} found adrift; replaced before dark.",
]


def entry(rng, day):
    lines = [f"Day {day}. Wind {rng.choice(WINDS)}, force {rng.randint(1, 9)}. Sky: {rng.choice(SKIES)}. "
             f"High water {rng.randint(1, 12)}:{rng.choice(['05', '20', '35', '50'])}."]
    for _ in range(rng.randint(1, 3)):
        ship, kind = rng.choice(SHIPS), rng.choice(KINDS)
        place, cargo, tons = rng.choice(PLACES), rng.choice(CARGO), 10 * rng.randint(2, 60)
        if rng.random() < 0.5:
            lines.append(f"IN: {kind} {ship}, from {place}, {tons} tons of {cargo}, berth {rng.randint(1, 9)}.")
        else:
            lines.append(f"OUT: {kind} {ship}, for {place}, {tons} tons of {cargo}, pilot dropped at the buoy.")
        if rng.random() < 0.35:
            lines.append("  Note. " + rng.choice(TROUBLES))
    work = rng.choice(WORKS).format(n=10 * rng.randint(3, 90), k=rng.randint(2, 9), h=f"{rng.randint(1, 12)}:00",
                                    f=rng.randint(9, 22), i=rng.randint(0, 11))
    lines.append(f"Works. {work}")
    return "\n".join(lines) + "\n\n"


def main():
    directory = pathlib.Path(sys.argv[1])
    rng = random.Random(1871)
    days = [entry(rng, day) for day in range(1, 151)]
    (directory / "harbour_log.txt").write_text("".join(days[:120]))
    (directory / "harbour_log_held_out.txt").write_text("".join(days[120:]))


main()

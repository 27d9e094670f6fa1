#!/usr/bin/env python3
"""Draws the frontier of an allocation and measured points over bits per weight, as one SVG.

usage: tools/plot_frontier.py FRONTIER.json [ROWS.txt] > frontier.svg

FRONTIER.json is what `lqlora --json - allocate TABLE --frontier` prints. ROWS.txt holds measured points, a line
each: method, bits per weight, nats. Only the standard library is used.
"""
import json
import math
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 70, 170, 20, 50
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555"]


def main():
    frontier = json.load(open(sys.argv[1]))["frontier"]
    # Half the summed error estimates the rise of the loss per token (K-FAC).
    curve = [(p["bits_per_weight"], p["objective"] / 2) for p in frontier if p["objective"] > 0]
    points = {}
    for line in open(sys.argv[2]) if len(sys.argv) > 2 else []:
        method, bits, nats = line.split()
        points.setdefault(method, []).append((float(bits), float(nats)))
    every = curve + [p for some in points.values() for p in some]
    low, high = min(b for b, _ in every), max(b for b, _ in every)
    bottom = math.floor(math.log10(min(n for _, n in every)))
    top = math.ceil(math.log10(max(n for _, n in every)))

    def place(point):
        bits, nats = point
        x = LEFT + (bits - low) / (high - low) * (WIDTH - LEFT - RIGHT)
        y = TOP + (top - math.log10(nats)) / (top - bottom) * (HEIGHT - TOP - BOTTOM)
        return f"{x:.1f},{y:.1f}"

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           'font-size="13">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for power in range(bottom, top + 1):
        y = place((low, 10.0**power)).split(",")[1]
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y}" text-anchor="end" dominant-baseline="middle">{10.0**power:g}</text>')
    for bits in range(math.ceil(low), math.floor(high) + 1):
        x = place((bits, 10.0**bottom)).split(",")[0]
        out.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{bits}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">bits per weight</text>')
    out.append(f'<text transform="translate(16,{HEIGHT / 2}) rotate(-90)" text-anchor="middle">nats a token</text>')
    out.append(f'<polyline points="{" ".join(place(p) for p in curve)}" fill="none" stroke="#999" stroke-width="2"/>')
    legend = [("estimate, every budget", "#999")]
    for (method, some), colour in zip(points.items(), COLOURS):
        out.append(f'<polyline points="{" ".join(place(p) for p in sorted(some))}" fill="none" stroke="{colour}"/>')
        for p in some:
            x, y = place(p).split(",")
            out.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>')
        legend.append((method, colour))
    for row, (name, colour) in enumerate(legend):
        y = TOP + 14 + 20 * row
        out.append(f'<rect x="{WIDTH - RIGHT + 10}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 26}" y="{y}">{name}</text>')
    out.append("</svg>")
    print("\n".join(out))


main()

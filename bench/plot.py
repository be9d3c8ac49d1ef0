#!/usr/bin/env python3
"""Draws what growth.py measured: docs/images/growth-cpu.svg, growth-memory.svg and growth-start.svg.

    bench/plot.py growth.json [FOLDER]
"""
import json
import math
import os
import statistics
import sys

WIDTH, HEIGHT, LEFT, TOP, GAP = 380, 230, 56, 40, 24
HEAD = 20  # room for what the whole sheet shows
PLOT_W, PLOT_H = WIDTH - LEFT - 16, HEIGHT - TOP - 44
TITLES = {"routes": "routes", "people": "people with a session each", "changes": "ended sessions that still act", "tokens": "distinct tokens in turn"}
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-weight: 600; font-size: 13px } .axis { stroke: #999 } .grid { stroke: #ddd }
.line { fill: none; stroke: #17695a; stroke-width: 2 } .dot { fill: #17695a } .bar { stroke: #17695a; stroke-width: 1.5 } .limit { stroke: #b3541e; stroke-dasharray: 5 4 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .grid { stroke: #444 } .line, .bar { stroke: #5cc2ad } .dot { fill: #5cc2ad } .limit { stroke: #e0925c } }
</style>"""


def short(number):
    for unit, letter in ((10**6, "M"), (10**3, "k")):
        if number >= unit:
            return f"{number / unit:g}{letter}"
    return f"{number:g}"


class Panel:
    """One small plot: points (size, low, middle, high) over a logarithmic axis of sizes."""

    def __init__(self, column, row, title, points, top, limit=None):
        self.x0, self.y0 = column * (WIDTH + GAP) + LEFT, row * HEIGHT + TOP
        self.points, self.top, self.limit, self.title = points, top, limit, title
        # Zero has a place of its own on the axis, left of one.
        self.places = [math.log10(size) if size else -1 for size, *_ in points]

    def x(self, place):
        low, high = self.places[0], self.places[-1]
        return self.x0 + PLOT_W * (place - low) / max(1e-9, high - low)

    def y(self, value):
        return self.y0 + PLOT_H * (1 - value / self.top)

    def draw(self):
        out = [f'<text class="title" x="{self.x0}" y="{self.y0 - 14}">{self.title}</text>']
        for step in range(5):
            value = self.top * step / 4
            y = self.y(value)
            out.append(f'<line class="{"grid" if step else "axis"}" x1="{self.x0}" x2="{self.x0 + PLOT_W}" y1="{y:.1f}" y2="{y:.1f}"/>')
            out.append(f'<text x="{self.x0 - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>')
        if self.limit:
            y = self.y(self.limit)
            out.append(f'<line class="limit" x1="{self.x0}" x2="{self.x0 + PLOT_W}" y1="{y:.1f}" y2="{y:.1f}"/>')
        line = []
        for place, (size, low, middle, high) in zip(self.places, self.points):
            x = self.x(place)
            line.append(f"{x:.1f},{self.y(middle):.1f}")
            # Two that would stand in each other's way stand one below the other.
            lower = 14 if line[1:] and x - float(line[-2].split(",")[0]) < 38 else 0
            out.append(f'<text x="{x:.1f}" y="{self.y0 + PLOT_H + 18 + lower}" text-anchor="middle">{short(size)}</text>')
            if high > low:
                out.append(f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{self.y(low):.1f}" y2="{self.y(min(high, self.top)):.1f}"/>')
            out.append(f'<circle class="dot" cx="{x:.1f}" cy="{self.y(middle):.1f}" r="3.5"/>')
        out.append(f'<polyline class="line" points="{" ".join(line)}"/>')
        return "\n".join(out)


def sheet(path, what, panels):
    columns, lines = 2, math.ceil(len(panels) / 2)
    width, height = columns * WIDTH + GAP, lines * HEIGHT
    body = "\n".join([f'<text class="title" x="{LEFT}" y="-2">{what}</text>', *(panel.draw() for panel in panels)])
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -{HEAD} {width} {height + HEAD}" role="img" aria-label="{what}">\n'
                   f"<title>{what}</title>\n{STYLE}\n{body}\n</svg>\n")


def ratios(sizes, size):
    """CPU per request against the smallest size, round by round: quartiles and middle."""
    each = lambda sample: sample["cpu"] / max(1, sample["n"])
    smallest = next(iter(sizes.values()))
    pairs = [each(ours) / each(theirs) for ours, theirs in zip(sizes[size], smallest)]
    if len(pairs) < 2 or sizes[size] is smallest:
        return (1.0, 1.0, 1.0) if sizes[size] is smallest else tuple(pairs * 3)
    return tuple(statistics.quantiles(pairs, n=4, method="inclusive"))


def nice(value):
    """The next round number above."""
    unit = 10 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 2, 4, 6, 8, 10) if step * unit >= value)


def main(source, folder):
    with open(source) as file:
        kept = json.load(file)
    cpu, memory, start = [], [], []
    for index, (name, sizes) in enumerate(kept["samples"].items()):
        place = (index % 2, index // 2)
        facts = {int(size): kept["facts"][f"{name} {size}"] for size in sizes}
        flat = lambda key, unit: [(size, fact[key] / unit, fact[key] / unit, fact[key] / unit) for size, fact in facts.items()]
        points = [(int(size), *ratios(sizes, size)) for size in sizes]
        cpu.append(Panel(*place, TITLES[name], points, max(1.6, nice(max(point[3] for point in points))), limit=1.10))
        used = flat("warm", 2**20)
        memory.append(Panel(*place, TITLES[name], used, nice(max(point[2] for point in used))))
        took = flat("start", 1e-3)
        start.append(Panel(*place, TITLES[name], took, nice(max(point[2] for point in took))))
    sheet(os.path.join(folder, "growth-cpu.svg"), "CPU per request against the smallest size; dashed: 1.10", cpu)
    sheet(os.path.join(folder, "growth-memory.svg"), "Memory after load, MiB", memory)
    sheet(os.path.join(folder, "growth-start.svg"), "Start-up, milliseconds", start)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else os.path.join(here, "..", "docs", "images"))

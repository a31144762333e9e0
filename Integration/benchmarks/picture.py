#!/usr/bin/env python3
"""picture.py RESULTS: a picture of a run of Integration/benchmark, as SVG.

At the top, the wall time of each step of the series, a bar a program. Then the speed of each NBD server,
relative to nbdkit's. At the bottom, the growth of the stores over the nights of database writes, a line a
program, on a logarithmic scale: the lines are too far apart for any other.
"""

import math
import sys
from html import escape

from results import NBD_STEPS, NBD_TOOLS, STEPS, TOOLS, Results, bytes_in_words, seconds

WIDTH, LEFT, RIGHT = 860, 170, 90
# The names of NBD's steps are longer.
NBD_LEFT = 300
BAR, GAP, PLOT_HEIGHT = 13, 16, 280
# Told apart by people who see colours differently, too (Okabe and Ito).
COLOURS = {
    "varve": "#d55e00",
    "borg": "#0072b2",
    "borg_fixed": "#56b4e9",
    "restic": "#009e73",
    "casync": "#999999",
    "nbdkit": "#0072b2",
    "qemu": "#009e73",
    "benji": "#cc79a7",
}


class Drawing:
    def __init__(self):
        self.elements, self.height = [], 0

    def text(self, x, y, words, anchor="start", weight="normal", size=12):
        self.elements.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
            f'font-size="{size}">{escape(words)}</text>')

    def bar(self, x, y, width, colour):
        self.elements.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{BAR - 2}" '
            f'fill="{colour}"/>')

    def rule(self, x1, y1, x2, y2):
        self.elements.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>')

    def curve(self, points, colour):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.elements.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')

    def finished(self):
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height:.0f}" '
            f'font-family="sans-serif" fill="#222">'
            f'<rect width="{WIDTH}" height="{self.height:.0f}" fill="white"/>')
        return "\n".join([head, *self.elements, "</svg>"])


def draw_legend(drawing, tools):
    x, y = LEFT, drawing.height + 20
    for tool, name in tools.items():
        drawing.bar(x, y - 10, 14, COLOURS[tool])
        drawing.text(x + 20, y, name)
        x += 40 + 7 * len(name)
    drawing.height += 36


def draw_times(drawing, results):
    tools = results.tools("series")
    drawing.text(20, drawing.height + 22, "Wall time, shorter is better", weight="bold", size=15)
    drawing.height += 34
    draw_legend(drawing, {tool: TOOLS[tool] for tool in tools})
    medians = {
        (step, tool): results.median("series", step, tool, "wall")
        for step in STEPS for tool in tools
    }
    longest = max(value for value in medians.values() if value is not None)
    for step, name in STEPS.items():
        y = drawing.height
        drawing.text(LEFT - 10, y + BAR * len(tools) / 2 + 4, name, anchor="end")
        for tool in tools:
            value = medians[step, tool]
            if value is not None:
                width = value / longest * (WIDTH - LEFT - RIGHT)
                drawing.bar(LEFT, y, width, COLOURS[tool])
                drawing.text(LEFT + width + 6, y + BAR - 3, seconds(value), size=10)
            y += BAR
        drawing.height = y + GAP


def draw_nbd(drawing, results):
    drawing.text(
        20, drawing.height + 22, "Speed over NBD beside nbdkit, longer is better", weight="bold",
        size=15)
    drawing.height += 34
    draw_legend(drawing, NBD_TOOLS)
    speeds = {
        (step, tool): relative_speed(results, step, metric, tool)
        for step, (_, metric) in NBD_STEPS.items() for tool in NBD_TOOLS
    }
    fastest = max(value for value in speeds.values() if value is not None)
    for step, (name, _) in NBD_STEPS.items():
        y = drawing.height
        drawing.text(
            NBD_LEFT - 10, y + BAR * len(NBD_TOOLS) / 2 + 4, name.replace("`", ""), anchor="end")
        for tool in NBD_TOOLS:
            value = speeds[step, tool]
            if value is not None:
                width = value / fastest * (WIDTH - NBD_LEFT - RIGHT)
                drawing.bar(NBD_LEFT, y, width, COLOURS[tool])
                drawing.text(NBD_LEFT + width + 6, y + BAR - 3, f"{value:.2f}", size=10)
            y += BAR
        drawing.height = y + GAP


def relative_speed(results, step, metric, tool):
    """How many times as fast as nbdkit; None when one of them was not measured."""
    own, other = (results.median("nbd", step, name, metric) for name in (tool, "nbdkit"))
    if own is None or other is None:
        return None
    return own / other if metric == "requests" else other / own


def draw_growth(drawing, results):
    growths = {}
    for tool in TOOLS:
        sizes = results.nights(tool)
        if len(sizes) > 1:
            growths[tool] = [max(size - sizes[0], 1024) for size in sizes[1:]]
    if not growths:
        return
    nights = max(len(values) for values in growths.values())
    drawing.text(
        20, drawing.height + 30, "Growth of the store after the first backup, night by night",
        weight="bold", size=15)
    top, bottom = drawing.height + 50, drawing.height + 50 + PLOT_HEIGHT
    low = math.floor(math.log2(min(min(values) for values in growths.values())))
    high = math.ceil(math.log2(max(max(values) for values in growths.values())))

    def place(night, value):
        x = LEFT + (night - 1) / max(nights - 1, 1) * (WIDTH - LEFT - RIGHT)
        return x, bottom - (math.log2(value) - low) / (high - low) * PLOT_HEIGHT

    draw_axes(drawing, place, range(low, high + 1), nights, bottom)
    ends = {}
    for tool, values in growths.items():
        points = [place(night, value) for night, value in enumerate(values, 1)]
        drawing.curve(points, COLOURS[tool])
        ends[tool] = points[-1]
    label_ends(drawing, ends)
    drawing.text((LEFT + WIDTH - RIGHT) / 2, bottom + 40, "night", anchor="middle", size=11)
    drawing.height = bottom + 50


def label_ends(drawing, ends):
    """Names the curves where they end, apart enough to be read where two end together."""
    lowest_free = -math.inf
    for tool, (x, y) in sorted(ends.items(), key=lambda item: item[1][1]):
        lowest_free = max(y + 4, lowest_free + 13)
        drawing.text(x + 6, lowest_free, TOOLS[tool], size=11)


def draw_axes(drawing, place, exponents, nights, bottom):
    for exponent in exponents:
        if (exponent - exponents[0]) % 2 == 0:
            x, y = place(1, 2 ** exponent)
            drawing.rule(x, y, WIDTH - RIGHT, y)
            drawing.text(x - 10, y + 4, bytes_in_words(2 ** exponent), anchor="end", size=11)
    for night in sorted({1, *range(5, nights + 1, 5), nights}):
        x, _ = place(night, 2 ** exponents[0])
        drawing.text(x, bottom + 20, str(night), anchor="middle", size=11)


def main(path):
    results, drawing = Results(path), Drawing()
    if results.tools("series"):
        draw_times(drawing, results)
    if results.median("nbd", "nbdcopy-4-warm", "nbdkit", "wall") is not None:
        draw_nbd(drawing, results)
    draw_growth(drawing, results)
    drawing.height += 10
    print(drawing.finished())


if __name__ == "__main__":
    main(sys.argv[1])

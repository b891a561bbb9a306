"""The chart of freshness under load, as SVG; it follows the reader's light or dark theme."""

import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 380, 70, 110, 50, 50
SERIES = {"p50": "#2a9d8f", "p99": "#3a6ea5", "p99.9": "#b5651d", "max": "#b23a48"}
DECADES_MS = [1, 10, 100, 1_000, 10_000]

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #333 } .title { font-size: 15px; font-weight: 600 }
  .grid { stroke: #8884; stroke-width: 1 }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""


def text(x, y, words, **attributes):
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.0f}" y="{y:.0f}"{said}>{words}</text>'


def freshness(points):
    """`points`: {rate: {"p50": ms, ...}}; both axes are logarithmic."""
    rates = sorted(points)
    span = math.log10(rates[-1] / rates[0])
    x = lambda rate: LEFT + (WIDTH - LEFT - RIGHT) * math.log10(rate / rates[0]) / span
    y = lambda ms: HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log10(max(ms, 1)) / math.log10(DECADES_MS[-1])
    parts = [text(LEFT, 24, "Freshness under load: from when an event was due until a query has it", **{"class": "title"})]
    for ms in DECADES_MS:
        label = f"{ms} ms" if ms < 1000 else f"{ms // 1000} s"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(ms):.0f}" y2="{y(ms):.0f}"/>')
        parts.append(text(LEFT - 8, y(ms) + 4, label, **{"text-anchor": "end"}))
    for rate in rates:
        parts.append(text(x(rate), HEIGHT - BOTTOM + 20, f"{rate:,}/s", **{"text-anchor": "middle"}))
    for name, colour in SERIES.items():
        spots = [(x(rate), y(points[rate][name])) for rate in rates]
        path = " ".join(f"{at_x:.0f},{at_y:.0f}" for at_x, at_y in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{at_x:.0f}" cy="{at_y:.0f}" r="3.5" fill="{colour}"/>' for at_x, at_y in spots]
        last = points[rates[-1]][name]
        parts.append(text(spots[-1][0] + 10, spots[-1][1] + 4, f"{name} {last:,.0f} ms", style=f"fill: {colour}"))
    body = "\n  ".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Freshness under load">\n  <style>{STYLE}</style>\n  {body}\n</svg>\n'

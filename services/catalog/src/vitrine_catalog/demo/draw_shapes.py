"""Shapes that several motifs are made of: turned vessels, handles, twigs; and the colours all of them share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image

from .draw_canvas import Colour, Layer, Point, Scene, dark, light, ring, smooth

CREAM = (246, 239, 226)
WARM = (255, 214, 140)
LEAF = (104, 122, 92)

Profile = Sequence[tuple[float, float]]
"""Radius and height of a turned vessel, from its rim down to its foot."""


def outline(profile: Profile, cx: float) -> list[Point]:
    """The silhouette of something turned on a wheel, with a rounded foot."""
    right = smooth([(cx + r, y) for r, y in profile], closed=False)
    r, y = profile[-1]
    foot = ring(cx, y, r, r * 0.13, 0, 180)
    left = [(2 * cx - x, y) for x, y in reversed(right)]
    return [*right, *foot, *left]


def vessel(
    scene: Scene | Layer,
    profile: Profile,
    colour: Colour,
    *,
    cx: float = 600,
    dip: Colour | None = None,
    dip_y: float = 0,
    speckle: Colour | None = None,
    open_: bool = True,
) -> Image.Image:
    """Draw a turned vessel, with the opening seen from a little above; return its mask."""
    body = outline(profile, cx)
    mask = scene.shade(body, around(colour))
    if dip is not None:
        xs = [x for x, _ in body]
        low = max(y for _, y in body)
        edge = [
            (x, dip_y + 9 * math.sin(x / 47) + 5 * math.sin(x / 19))
            for x in range(int(min(xs)), int(max(xs)) + 2, 6)
        ]
        scene.shade([*edge, (max(xs), low), (min(xs), low)], around(dip), within=mask)
    if speckle is not None:
        _speckle(scene, body, mask, speckle)
    if open_:
        r, y = profile[0]
        scene.shade(ring(cx, y, r, r * 0.15), [light(colour, 0.2), light(colour, 0.3), colour])
        scene.shade(ring(cx, y + r * 0.012, r * 0.925, r * 0.125), [dark(colour, 0.42), dark(colour, 0.25)])
    return mask


def around(colour: Colour) -> list[Colour]:
    """How a colour runs around something round that is lit from the left."""
    return [
        dark(colour, 0.04),
        light(colour, 0.2),
        light(colour, 0.08),
        colour,
        dark(colour, 0.17),
        dark(colour, 0.3),
    ]


def _speckle(layer: Scene | Layer, body: Sequence[Point], mask: Image.Image, colour: Colour) -> None:
    xs, ys = [x for x, _ in body], [y for _, y in body]
    for n in range(90):
        # A low-discrepancy scatter: even, and the same at every run.
        x = min(xs) + (n * 0.7548777 % 1) * (max(xs) - min(xs))
        y = min(ys) + (n * 0.5698403 % 1) * (max(ys) - min(ys))
        r = 1.6 + (n * 0.37 % 1) * 2.4
        layer.shade(ring(x, y, r, r), [colour, colour], within=mask)


def handle(
    layer: Layer, cx: float, cy: float, rx: float, ry: float, colour: Colour, width: float = 34
) -> None:
    """A handle: a bow of clay."""
    bow = ring(cx, cy, rx, ry, -100, 100)
    layer.line(bow, dark(colour, 0.2), width)
    layer.line([(x - 3, y - 4) for x, y in bow], colour, width * 0.72)


def branch(
    scene: Scene,
    foot: Point,
    tip: Point,
    colour: Colour,
    *,
    leaves: int = 7,
    size: float = 34,
    bend: float = 40,
) -> None:
    """A twig with leaves on both sides."""
    middle = ((foot[0] + tip[0]) / 2 + bend, (foot[1] + tip[1]) / 2)
    stem = smooth([foot, middle, tip], closed=False, steps=24)
    scene.line(stem, dark(colour, 0.2), 5)
    for n in range(leaves):
        at = stem[int((0.35 + 0.62 * n / max(leaves - 1, 1)) * (len(stem) - 1))]
        side = 1 if n % 2 else -1
        lean = math.atan2(tip[1] - foot[1], tip[0] - foot[0]) + side * 0.85
        length = size * (1.15 - 0.45 * n / leaves)
        end = (at[0] + length * 2 * math.cos(lean), at[1] + length * 2 * math.sin(lean))
        across = (-math.sin(lean) * length * 0.42, math.cos(lean) * length * 0.42)
        half = ((at[0] + end[0]) / 2, (at[1] + end[1]) / 2)
        leaf = [
            at,
            (half[0] + across[0], half[1] + across[1]),
            end,
            (half[0] - across[0], half[1] - across[1]),
        ]
        scene.fill(smooth(leaf), light(colour, 0.1) if n % 2 else colour)


def grass(scene: Scene, foot: Point, colour: Colour) -> None:
    """Dry grasses, spread like a fan."""
    for n, lean in enumerate((-0.42, -0.25, -0.1, 0.06, 0.2, 0.36)):
        length = 330 + 50 * math.sin(n * 2.1)
        tip = (foot[0] + length * math.sin(lean), foot[1] - length * math.cos(lean))
        middle = (foot[0] + length * 0.42 * math.sin(lean * 0.6), foot[1] - length * 0.55)
        scene.line(smooth([foot, middle, tip], closed=False), dark(colour, 0.15), 4)
        scene.fill(
            smooth([(tip[0] - 11, tip[1] + 70), (tip[0] + 4, tip[1] - 40), (tip[0] + 15, tip[1] + 66)]),
            colour,
        )

"""Motifs of things of wood."""

from __future__ import annotations

import math

from .draw_canvas import Colour, Layer, Scene, dark, light, ring, rounded, smooth
from .draw_shapes import LEAF, around, branch, vessel


def board(scene: Scene, *, wood: Colour, form: str = "paddle") -> None:
    """A cutting board, from above."""
    sheet = Layer()
    if form == "round":
        body = ring(600, 610, 360, 360)
    else:
        body = smooth(
            [
                (540, 150),
                (660, 150),
                (676, 330),
                (800, 400),
                (820, 700),
                (800, 1010),
                (600, 1030),
                (400, 1010),
                (380, 700),
                (400, 400),
                (524, 330),
            ]
        )
    mask = sheet.shade(body, [light(wood, 0.15), wood, light(wood, 0.06), dark(wood, 0.12)])
    for n in range(13):
        x = 262 + n * 56
        grain = smooth(
            [(x, 120), (x + 16 * math.sin(n * 1.9), 420), (x - 14 * math.cos(n * 1.3), 720), (x + 8, 1080)],
            closed=False,
        )
        line = [*grain, *[(gx + 3.5, gy) for gx, gy in reversed(grain)]]
        sheet.shade(line, [dark(wood, 0.14)] * 2, within=mask)
    if form == "paddle":
        sheet.fill(ring(600, 216, 25, 25), dark(scene.wall, 0.3))
    scene.lay(sheet.turn(-12), height=24)


def spoons(scene: Scene, *, wood: Colour, other: Colour) -> None:
    """Three cooking spoons, from above."""
    for n, (colour, angle) in enumerate(((wood, -16), (other, 2), (light(wood, 0.15), 20))):
        sheet = Layer()
        cx = 420 + n * 180
        sheet.shade(rounded(cx - 17, 430, 34, 560, 17), around(colour))
        head = ring(cx, 330, 82, 120) if n != 1 else rounded(cx - 78, 206, 156, 236, 52)
        sheet.shade(head, around(colour))
        if n == 1:
            for k in (-34, 0, 34):
                sheet.fill(rounded(cx + k - 8, 262, 16, 120, 8), dark(scene.wall, 0.25))
        else:
            sheet.shade(ring(cx - 2, 336, 62, 96), [dark(colour, 0.2), colour, light(colour, 0.15)])
        scene.lay(sheet.turn(angle, (cx, 620)), height=16)


def stool(scene: Scene, *, wood: Colour, seat: Colour) -> None:
    """A three-legged stool."""
    scene.ground(600, 950, 290, 32)
    for x1, x2, shade in ((600, 600, 0.28), (440, 356, 0.06), (760, 844, 0.16)):
        low = 930 if x1 == 600 else 954
        colour = dark(wood, shade)
        scene.shade(
            [(x1 - 25, 540), (x1 + 25, 540), (x2 + 16, low), (x2 - 16, low)],
            [light(colour, 0.12), dark(colour, 0.16)],
        )
    scene.shade(rounded(396, 752, 408, 24, 12), around(dark(wood, 0.1)))
    rim = [*ring(600, 500, 290, 60, 180, 360), *ring(600, 548, 290, 62, 0, 180)]
    scene.shade(rim, around(dark(seat, 0.1)))
    scene.shade(ring(600, 500, 290, 60), [light(seat, 0.25), seat, dark(seat, 0.08)])


def tray(scene: Scene, *, wood: Colour, lining: Colour, mug_: Colour) -> None:
    """A round tray from above, with a cup of tea on it."""
    sheet = Layer()
    sheet.shade(ring(600, 600, 410, 410), [light(wood, 0.2), wood, dark(wood, 0.22)])
    sheet.shade(ring(600, 600, 376, 376), [dark(lining, 0.16), lining, light(lining, 0.1)])
    scene.lay(sheet, height=26)
    cup = Layer()
    cup.shade(rounded(800, 470, 96, 46, 23), around(mug_))
    cup.shade(ring(690, 492, 136, 136), [light(mug_, 0.25), mug_, dark(mug_, 0.15)])
    cup.shade(ring(690, 492, 114, 114), [(150, 92, 48), (178, 116, 62)])
    scene.lay(cup, height=24)
    branch(scene, (400, 780), (520, 560), LEAF, leaves=7, size=26)


def basket(scene: Scene, *, fibre: Colour, rim: Colour) -> None:
    """A woven basket."""
    scene.ground(600, 920, 240, 34)
    bow = ring(600, 560, 190, 250, 180, 360)
    scene.line(bow, dark(rim, 0.1), 26)
    scene.line([(x - 3, y - 3) for x, y in bow], light(rim, 0.1), 15)
    profile = [(270, 560), (284, 680), (268, 800), (222, 918)]
    mask = vessel(scene, profile, fibre, open_=False)
    for row in range(9):
        y = 584 + row * 40
        for n in range(14):
            x = 320 + n * 44 + (row % 2) * 22
            scene.shade(
                rounded(x - 20, y, 40, 25, 12),
                [light(fibre, 0.16), dark(fibre, 0.12)],
                vertical=True,
                within=mask,
            )
    scene.shade(ring(600, 560, 276, 46), [light(rim, 0.2), rim])
    scene.shade(ring(600, 562, 248, 34), [dark(fibre, 0.45), dark(fibre, 0.3)])

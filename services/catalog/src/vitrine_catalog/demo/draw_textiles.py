"""Motifs of things that are woven."""

from __future__ import annotations

from .draw_canvas import Colour, Layer, Scene, dark, light, mix, ring, rounded, smooth
from .draw_shapes import around


def throw(scene: Scene, *, wool: Colour, stripe: Colour, pattern: str = "stripes") -> None:
    """A folded blanket with fringes, on a pile of its own layers."""
    scene.ground(600, 915, 350, 34)
    for n in range(4):
        y = 830 - n * 92
        inset = 8 * n
        colour = wool if n % 2 == 0 else mix(wool, stripe, 0.12)
        body = rounded(250 + inset, y, 700 - 2 * inset, 96, 44)
        mask = scene.shade(body, [light(colour, 0.18), colour, dark(colour, 0.2)], vertical=True)
        if pattern == "stripes":
            for x in (330, 372, 790, 832):
                scene.shade(
                    [(x, y), (x + 20, y), (x + 20, y + 96), (x, y + 96)],
                    [stripe, dark(stripe, 0.2)],
                    vertical=True,
                    within=mask,
                )
        elif pattern == "check":
            for x in range(280, 930, 110):
                scene.shade(
                    [(x, y), (x + 46, y), (x + 46, y + 96), (x, y + 96)],
                    [mix(colour, stripe, 0.55), dark(mix(colour, stripe, 0.55), 0.18)],
                    vertical=True,
                    within=mask,
                )
            scene.shade(
                [(240, y + 36), (960, y + 36), (960, y + 60), (240, y + 60)],
                [mix(colour, stripe, 0.7)] * 2,
                within=mask,
            )
    for x in range(300, 420, 17):
        scene.line([(x, 612), (x - 3, 676), (x + 2, 712)], light(stripe, 0.1), 6)
    scene.shade(rounded(282, 548, 152, 72, 26), [light(wool, 0.22), wool], vertical=True)


def cushion(scene: Scene, *, cloth: Colour, motif: Colour, pattern: str = "arches") -> None:
    """A cushion that leans on the wall."""
    scene.ground(600, 908, 300, 30)
    shape = smooth(
        [(300, 330), (600, 356), (900, 330), (872, 610), (906, 898), (600, 876), (294, 898), (328, 610)]
    )
    mask = scene.shade(shape, [light(cloth, 0.16), cloth, dark(cloth, 0.16)])
    if pattern == "arches":
        for row in range(4):
            for column in range(4):
                cx, cy = 384 + column * 144, 500 + row * 128
                for r, colour in ((58, motif), (40, cloth), (24, mix(cloth, motif, 0.6))):
                    scene.shade([*ring(cx, cy, r, r * 1.2, 180, 360)], [colour, colour], within=mask)
    elif pattern == "lines":
        for n in range(9):
            x = 340 + n * 66
            scene.shade(
                [(x, 300), (x + 14, 300), (x + 14, 920), (x, 920)],
                [motif, dark(motif, 0.15)],
                vertical=True,
                within=mask,
            )
    elif pattern == "dots":
        for row in range(6):
            for column in range(6):
                cx, cy = 352 + column * 100 + (row % 2) * 50, 410 + row * 90
                scene.shade(ring(cx, cy, 17, 17), [motif, motif], within=mask)
    else:
        for n, r in enumerate((250, 190, 130, 70)):
            scene.shade(
                ring(600, 612, r, r), [(motif, cloth)[n % 2], dark((motif, cloth)[n % 2], 0.12)], within=mask
            )


def towel(scene: Scene, *, cloth: Colour, stripe: Colour, wood: Colour, pattern: str = "bands") -> None:
    """A tea towel on a peg rail."""
    scene.shade(rounded(200, 214, 800, 46, 20), [light(wood, 0.15), dark(wood, 0.12)], vertical=True)
    for x in (330, 600, 870):
        scene.shade(ring(x, 238, 25, 25), around(light(wood, 0.12)))
    sheet = Layer()
    shape = smooth(
        [
            (578, 246),
            (540, 330),
            (432, 420),
            (410, 700),
            (416, 1010),
            (520, 1024),
            (600, 1006),
            (690, 1024),
            (786, 1008),
            (790, 700),
            (768, 420),
            (660, 330),
            (622, 246),
        ]
    )
    mask = sheet.shade(
        shape, [dark(cloth, 0.1), light(cloth, 0.2), cloth, light(cloth, 0.08), dark(cloth, 0.14)]
    )
    if pattern == "bands":
        for y, height in ((800, 22), (840, 54), (912, 22)):
            sheet.shade(
                [(400, y), (800, y), (800, y + height), (400, y + height)],
                [dark(stripe, 0.1), light(stripe, 0.12), dark(stripe, 0.14)],
                within=mask,
            )
    else:
        for x in range(440, 800, 52):
            sheet.shade([(x, 300), (x + 10, 300), (x + 10, 1030), (x, 1030)], [stripe] * 2, within=mask)
        for y in range(470, 1030, 62):
            sheet.shade([(400, y), (800, y), (800, y + 8), (400, y + 8)], [stripe] * 2, within=mask)
    scene.lay(sheet, height=20, alpha=0.25)
    for a, b in (((560, 350), (520, 980)), ((640, 350), (676, 980))):
        scene.line([a, ((a[0] + b[0]) / 2 - 8, 660), b], dark(cloth, 0.09), 4)
    scene.shade(ring(600, 238, 25, 25), around(light(wood, 0.12)))


def napkins(scene: Scene, *, cloth: Colour, other: Colour, tie: Colour) -> None:
    """Napkins, rolled and tied, from above."""
    for n, (colour, angle) in enumerate(((cloth, -24), (other, -4), (light(cloth, 0.3), 16))):
        sheet = Layer()
        cx = 390 + n * 210
        sheet.shade(
            rounded(cx - 74, 250, 148, 700, 40),
            [light(colour, 0.15), light(colour, 0.25), colour, dark(colour, 0.2)],
        )
        for y in (278, 922):
            sheet.line([(cx - 62, y), (cx + 62, y)], dark(colour, 0.12), 4)
        sheet.shade(
            [(cx - 77, 570), (cx + 77, 570), (cx + 77, 610), (cx - 77, 610)],
            [light(tie, 0.1), dark(tie, 0.2)],
        )
        sheet.line([(cx - 8, 588), (cx - 52, 660), (cx - 46, 690)], tie, 7)
        sheet.line([(cx + 8, 588), (cx + 44, 664), (cx + 36, 700)], tie, 7)
        scene.lay(sheet.turn(angle, (cx, 600)), height=22)

"""Motifs of things to write with and to hang up."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .draw_canvas import Colour, Layer, Scene, dark, light, mix, ring, rounded, smooth
from .draw_shapes import CREAM, around, outline


def notebook(
    scene: Scene,
    *,
    cover: Colour,
    band: Colour,
    label: Colour = CREAM,
    angle: float = -9,
    under: Colour | None = None,
) -> None:
    """A notebook with an elastic band, from above; another one may lie under it."""
    for colour, turn in ((under, angle + 17), (cover, angle)):
        if colour is None:
            continue
        sheet = Layer()
        sheet.fill(rounded(348, 262, 522, 694, 16), light(CREAM, 0.2))
        for n in range(4):
            sheet.line([(862 + n, 290), (862 + n, 930)], dark(CREAM, 0.12 + 0.05 * (n % 2)), 1)
        sheet.shade(rounded(330, 250, 522, 700, 18), [dark(colour, 0.22), colour, light(colour, 0.1), colour])
        sheet.shade(
            [(330, 268), (386, 250), (386, 950), (330, 932)], [dark(colour, 0.34), dark(colour, 0.14)]
        )
        if colour is cover:
            sheet.shade([(774, 249), (796, 249), (796, 951), (774, 951)], [dark(band, 0.1), band])
            sheet.shade(rounded(478, 392, 206, 122, 8), [light(label, 0.2), label])
            sheet.line([(512, 440), (650, 440)], dark(label, 0.35), 4)
            sheet.line([(532, 470), (630, 470)], dark(label, 0.25), 4)
        scene.lay(sheet.turn(turn), height=20)


def cards(scene: Scene, *, paper: Colour, ink: Colour, other: Colour) -> None:
    """A fan of greeting cards with a printed motif each."""
    for n, angle in enumerate((-22, -3, 16)):
        sheet = Layer()
        x, y, width, height = 395 + (n - 1) * 130, 310, 410, 580
        sheet.shade(rounded(x, y, width, height, 10), [light(paper, 0.3), paper])
        cx, cy = x + width / 2, y + height / 2
        if n == 0:
            for r, colour in ((130, ink), (92, other), (52, light(paper, 0.3))):
                sheet.fill(ring(cx, cy, r, r), colour)
        elif n == 1:
            for k in range(5):
                sheet.fill(rounded(cx - 120, cy - 170 + k * 74, 240 - k * 34, 40, 20), (ink, other)[k % 2])
        else:
            sheet.line([(cx, cy + 170), (cx, cy - 130)], ink, 9)
            for k in range(5):
                for side in (-1, 1):
                    at = (cx, cy + 110 - k * 56)
                    sheet.fill(
                        smooth([at, (at[0] + side * 70, at[1] - 70), (at[0] + side * 96, at[1] - 16)]),
                        (other, ink)[k % 2],
                    )
        scene.lay(sheet.turn(angle, (600, 950)), height=14)


def print_(
    scene: Scene,
    *,
    frame: Colour,
    paper: Colour,
    one: Colour,
    two: Colour,
    three: Colour,
    form: str = "hills",
) -> None:
    """A framed print on the wall."""
    sheet = Layer()
    sheet.shade(rounded(310, 170, 580, 780, 8), [light(frame, 0.12), frame, dark(frame, 0.2)])
    sheet.shade([(338, 198), (862, 198), (862, 922), (338, 922)], [paper, light(paper, 0.2)])
    window = sheet.mask([(396, 262), (804, 262), (804, 858), (396, 858)])
    sheet.shade(
        [(396, 262), (804, 262), (804, 858), (396, 858)], [light(two, 0.62), light(two, 0.45)], vertical=True
    )
    if form == "hills":
        sheet.shade(ring(680, 420, 78, 78), [one, light(one, 0.1)], within=window)
        for y, colour, phase in ((580, light(two, 0.3), 0.4), (660, two, 2.0), (750, three, 4.1)):
            crest = [(x, y + 42 * math.sin(x / 88 + phase)) for x in range(390, 812, 8)]
            sheet.shade(
                [*crest, (812, 870), (390, 870)], [colour, dark(colour, 0.1)], vertical=True, within=window
            )
    elif form == "vessels":
        for cx, r, y, colour in ((490, 78, 640, two), (620, 104, 560, one), (722, 62, 700, three)):
            body = outline([(r * 0.34, y), (r * 0.4, y + 40), (r, y + 140), (r * 0.6, 850)], cx)
            sheet.shade(body, [colour, colour], within=window)
    else:
        for n in range(5):
            colour = (one, two, three)[n % 3]
            sheet.shade(ring(600, 858, 200 - n * 38, 470 - n * 92, 180, 360), [colour, colour], within=window)
    scene.lay(sheet, height=26, alpha=0.34)


def pencils(scene: Scene, *, colours: Sequence[Colour], wood: Colour) -> None:
    """Pencils side by side, from above."""
    width = 62
    x0 = 600 - width * len(colours) / 2
    for n, colour in enumerate(colours):
        x = x0 + n * width
        top = 330 + 26 * math.sin(n * 1.7)
        sheet = Layer()
        sheet.shade(
            [(x + 5, top), (x + 53, top), (x + 53, 960), (x + 5, 960)],
            [light(colour, 0.25), colour, dark(colour, 0.08), dark(colour, 0.26)],
        )
        sheet.shade(
            [(x + 5, top), (x + 29, top - 112), (x + 53, top)], [light(wood, 0.3), wood, dark(wood, 0.16)]
        )
        sheet.fill([(x + 21, top - 76), (x + 29, top - 112), (x + 37, top - 76)], dark(colour, 0.3))
        sheet.shade([(x + 5, 944), (x + 53, 944), (x + 53, 962), (x + 5, 962)], [CREAM, dark(CREAM, 0.2)])
        scene.lay(sheet.turn(-7), height=12)


def pen(scene: Scene, *, barrel: Colour, metal: Colour) -> None:
    """A fountain pen, lying open, and a line of ink."""
    wave = [(x, 860 + 26 * math.sin(x / 46)) for x in range(300, 800, 8)]
    scene.line(wave, dark(barrel, 0.3), 7)
    sheet = Layer()
    sheet.shade(rounded(555, 150, 90, 520, 44), around(barrel))
    sheet.shade([(557, 520), (643, 520), (643, 552), (557, 552)], around(metal))
    sheet.shade(smooth([(566, 640), (634, 640), (624, 760), (576, 760)]), around(dark(barrel, 0.2)))
    sheet.shade(
        [(574, 752), (626, 752), (604, 872), (596, 872)], [light(metal, 0.4), metal, dark(metal, 0.2)]
    )
    sheet.line([(600, 780), (600, 862)], dark(metal, 0.4), 3)
    sheet.shade(rounded(634, 190, 15, 230, 7), [light(metal, 0.3), dark(metal, 0.1)])
    scene.lay(sheet.turn(38, (600, 560)), height=18)


def ink(scene: Scene, *, colour: Colour, cap: Colour) -> None:
    """A glass bottle of ink."""
    scene.ground(600, 912, 200, 30)
    glass = mix(colour, (235, 240, 245), 0.55)
    scene.shade(rounded(400, 590, 400, 324, 56), around(glass))
    scene.shade(rounded(428, 680, 344, 214, 40), around(colour))
    scene.shade(rounded(470, 742, 260, 96, 6), [light(CREAM, 0.2), CREAM])
    scene.line([(510, 778), (690, 778)], dark(CREAM, 0.4), 4)
    scene.line([(540, 804), (660, 804)], dark(CREAM, 0.25), 4)
    scene.shade(rounded(508, 470, 184, 124, 20), around(cap))
    for x in range(528, 690, 22):
        scene.line([(x, 492), (x, 574)], dark(cap, 0.2), 3)

"""Motifs of lamps and candles."""

from __future__ import annotations

from .draw_canvas import Colour, Point, Scene, dark, light, mix, ring, rounded, smooth
from .draw_shapes import WARM, around, vessel


def table_lamp(scene: Scene, *, base: Colour, shade: Colour, form: str = "dome") -> None:
    """A lit table lamp; `form` is the shape of its shade."""
    scene.glow(600, 480, 560, WARM, 0.5)
    scene.ground(600, 916, 150, 26)
    if form == "globe":
        vessel(scene, [(60, 700), (78, 780), (128, 880), (136, 914)], base, open_=False)
        scene.shade(ring(600, 520, 200, 200), [light(shade, 0.5), light(shade, 0.2), shade])
        scene.glow(600, 520, 230, (255, 246, 214), 0.75)
        return
    if form == "mushroom":
        vessel(scene, [(58, 560), (62, 700), (88, 820), (150, 900), (150, 914)], base, open_=False)
        cap = [*ring(600, 580, 300, 240, 180, 360), *ring(600, 580, 300, 46, 0, 180)]
        scene.shade(cap, around(shade))
        scene.shade(ring(600, 580, 292, 40), [light(WARM, 0.5), WARM, light(WARM, 0.3)])
        return
    if form == "cone":
        vessel(scene, [(20, 560), (22, 640), (92, 720), (124, 810), (96, 914)], base, open_=False)
        cone = [(500, 300), (700, 300), (820, 590), *ring(600, 590, 220, 34, 0, 180), (380, 590)]
    else:
        vessel(scene, [(18, 540), (18, 830), (30, 868), (140, 890), (142, 914)], base, open_=False)
        cone = [*ring(600, 560, 240, 250, 180, 360), *ring(600, 560, 240, 34, 0, 180)]
    scene.shade(cone, [dark(shade, 0.05), light(shade, 0.35), light(shade, 0.2), shade, dark(shade, 0.14)])
    y = 590 if form == "cone" else 560
    rx = 220 if form == "cone" else 240
    scene.shade(ring(600, y, rx - 8, 27), [WARM, light(WARM, 0.6), WARM])


def pendant(scene: Scene, *, shade: Colour, inside: Colour = WARM, form: str = "dome") -> None:
    """A lamp that hangs from the ceiling."""
    scene.glow(600, 720, 620, WARM, 0.5)
    scene.line([(600, 0), (600, 360)], dark(shade, 0.55), 6)
    scene.shade(rounded(582, 330, 36, 60, 12), around(mix(shade, (90, 70, 50), 0.5)))
    shapes: dict[str, list[Point]] = {
        "dome": [*ring(600, 650, 290, 270, 180, 360), *ring(600, 650, 290, 44, 0, 180)],
        "disc": [*ring(600, 560, 390, 170, 180, 360), *ring(600, 560, 390, 46, 0, 180)],
        "cone": [(560, 385), (640, 385), (860, 680), *ring(600, 680, 260, 42, 0, 180), (340, 680)],
        "bell": [
            *smooth([(570, 390), (500, 440), (460, 560), (380, 690)], closed=False),
            *ring(600, 690, 220, 38, 180, 0),
            *smooth([(820, 690), (740, 560), (700, 440), (630, 390)], closed=False),
        ],
    }
    y, rx = {"dome": (650, 290), "disc": (560, 390), "cone": (680, 260), "bell": (690, 220)}[form]
    scene.shade(shapes[form], around(shade))
    scene.shade(ring(600, y, rx - 7, rx * 0.13), [dark(inside, 0.12), light(inside, 0.35), inside])
    scene.shade(ring(600, y + 6, 62, 32), [(255, 250, 232), (255, 240, 205)], vertical=True)


def lantern(scene: Scene, *, paper: Colour, wood: Colour) -> None:
    """A floor lantern of paper on a wooden frame."""
    scene.glow(600, 560, 560, WARM, 0.55)
    scene.ground(600, 922, 190, 26)
    for x in (438, 762):
        scene.shade(rounded(x - 9, 250, 18, 668, 8), around(wood))
    body = rounded(452, 290, 296, 560, 34)
    scene.shade(body, [light(paper, 0.1), light(paper, 0.55), light(paper, 0.35), paper, dark(paper, 0.08)])
    for y in range(346, 830, 56):
        scene.line([(456, y), (744, y)], dark(paper, 0.1), 3)
    for y in (282, 858):
        scene.shade(rounded(430, y - 11, 340, 22, 9), around(wood))


def candle(scene: Scene, *, wax: Colour, holder: Colour, form: str = "stick") -> None:
    """A burning candle."""
    if form == "jar":
        scene.glow(600, 520, 420, WARM, 0.5)
        scene.ground(600, 914, 186, 30)
        vessel(scene, [(180, 600), (184, 700), (184, 840), (160, 912)], holder)
        scene.shade(ring(600, 606, 160, 20), [light(wax, 0.2), wax])
        _flame(scene, 600, 590)
        return
    if form == "trio":
        for cx, top, colour in (
            (430, 500, wax),
            (610, 400, light(wax, 0.3)),
            (780, 580, mix(wax, holder, 0.5)),
        ):
            scene.glow(cx, top - 60, 240, WARM, 0.4)
            scene.ground(cx, 914, 92, 20)
            vessel(scene, [(76, top), (78, 760), (76, 912)], colour, cx=cx)
            _flame(scene, cx, top - 6)
        return
    scene.glow(600, 330, 360, WARM, 0.5)
    scene.ground(600, 914, 150, 26)
    vessel(scene, [(28, 410), (29, 600), (30, 700)], wax)
    vessel(scene, [(50, 690), (38, 720), (30, 800), (60, 860), (150, 892), (146, 912)], holder, open_=False)
    _flame(scene, 600, 402)


def _flame(scene: Scene, cx: float, y: float) -> None:
    scene.line([(cx, y), (cx, y - 22)], (70, 55, 50), 4)
    flame = [
        (cx, y - 120),
        (cx + 25, y - 52),
        (cx + 17, y - 12),
        (cx, y - 4),
        (cx - 17, y - 12),
        (cx - 25, y - 52),
    ]
    scene.shade(smooth(flame), [(255, 226, 140), (247, 160, 72)], vertical=True)
    core = [(cx, y - 74), (cx + 10, y - 36), (cx, y - 12), (cx - 10, y - 36)]
    scene.fill(smooth(core), (255, 248, 220))

"""The things of the demo shop as drawings: each motif draws one kind of thing in the colours it is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from .draw_canvas import Colour, Layer, Point, Scene, dark, light, mix, ring, rounded, smooth

Motif = Callable[..., None]

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
    mask = scene.shade(body, _round(colour))
    if dip is not None:
        xs = [x for x, _ in body]
        low = max(y for _, y in body)
        edge = [(x, dip_y + 9 * math.sin(x / 47) + 5 * math.sin(x / 19)) for x in range(int(min(xs)), int(max(xs)) + 2, 6)]
        scene.shade([*edge, (max(xs), low), (min(xs), low)], _round(dip), within=mask)
    if speckle is not None:
        _speckle(scene, body, mask, speckle)
    if open_:
        r, y = profile[0]
        scene.shade(ring(cx, y, r, r * 0.15), [light(colour, 0.2), light(colour, 0.3), colour])
        scene.shade(ring(cx, y + r * 0.012, r * 0.925, r * 0.125), [dark(colour, 0.42), dark(colour, 0.25)])
    return mask


def _round(colour: Colour) -> list[Colour]:
    """How a colour runs around something round that is lit from the left."""
    return [dark(colour, 0.04), light(colour, 0.2), light(colour, 0.08), colour, dark(colour, 0.17), dark(colour, 0.3)]


def _speckle(layer: Scene | Layer, body: Sequence[Point], mask: Image.Image, colour: Colour) -> None:
    xs, ys = [x for x, _ in body], [y for _, y in body]
    for n in range(90):
        # A low-discrepancy scatter: even, and the same at every run.
        x = min(xs) + (n * 0.7548777 % 1) * (max(xs) - min(xs))
        y = min(ys) + (n * 0.5698403 % 1) * (max(ys) - min(ys))
        r = 1.6 + (n * 0.37 % 1) * 2.4
        layer.shade(ring(x, y, r, r), [colour, colour], within=mask)


def handle(layer: Layer, cx: float, cy: float, rx: float, ry: float, colour: Colour, width: float = 34) -> None:
    """A handle: a bow of clay."""
    bow = ring(cx, cy, rx, ry, -100, 100)
    layer.line(bow, dark(colour, 0.2), width)
    layer.line([(x - 3, y - 4) for x, y in bow], colour, width * 0.72)


def branch(scene: Scene, foot: Point, tip: Point, colour: Colour, *, leaves: int = 7, size: float = 34, bend: float = 40) -> None:
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
        leaf = [at, (half[0] + across[0], half[1] + across[1]), end, (half[0] - across[0], half[1] - across[1])]
        scene.fill(smooth(leaf), light(colour, 0.1) if n % 2 else colour)


def grass(scene: Scene, foot: Point, colour: Colour) -> None:
    """Dry grasses, spread like a fan."""
    for n, lean in enumerate((-0.42, -0.25, -0.1, 0.06, 0.2, 0.36)):
        length = 330 + 50 * math.sin(n * 2.1)
        tip = (foot[0] + length * math.sin(lean), foot[1] - length * math.cos(lean))
        middle = (foot[0] + length * 0.42 * math.sin(lean * 0.6), foot[1] - length * 0.55)
        scene.line(smooth([foot, middle, tip], closed=False), dark(colour, 0.15), 4)
        scene.fill(smooth([(tip[0] - 11, tip[1] + 70), (tip[0] + 4, tip[1] - 40), (tip[0] + 15, tip[1] + 66)]), colour)


# Tableware and vases


def mug(scene: Scene, *, glaze: Colour, dip: Colour | None = None, speckle: Colour | None = None, tall: float = 0) -> None:
    """A mug with its handle to the right."""
    scene.ground(600, 918, 205, 34)
    top = 560 - tall
    sheet = Layer()
    handle(sheet, 770, (top + 900) / 2 - 10, 96, 112 + tall * 0.25, dip or glaze)
    scene.put(sheet)
    vessel(scene, [(196, top), (200, top + 90), (198, 800), (182, 885), (150, 916)], glaze, dip=dip, dip_y=760, speckle=speckle)


def beakers(scene: Scene, *, glaze: Colour, other: Colour) -> None:
    """Two small cups, one before the other."""
    scene.ground(470, 880, 128, 24)
    vessel(scene, [(132, 640), (136, 740), (126, 830), (100, 880)], other, cx=470, speckle=dark(other, 0.4))
    scene.ground(725, 930, 140, 26)
    vessel(scene, [(144, 672), (149, 780), (138, 880), (110, 930)], glaze, cx=725, speckle=dark(glaze, 0.4))


def bowl(scene: Scene, *, glaze: Colour, inside: Colour, wide: float = 330) -> None:
    """A bowl, seen from a little above."""
    scene.ground(600, 905, wide * 0.52, 30)
    vessel(scene, [(wide, 610), (wide * 0.96, 690), (wide * 0.76, 800), (wide * 0.42, 880), (wide * 0.38, 902)], glaze, open_=False)
    scene.shade(ring(600, 610, wide, wide * 0.2), [light(glaze, 0.25), glaze])
    scene.shade(ring(600, 614, wide * 0.95, wide * 0.175), [dark(inside, 0.16), inside, light(inside, 0.2)])


def bowls(scene: Scene, *, glaze: Colour, inside: Colour, other: Colour) -> None:
    """Three bowls, one in another."""
    scene.ground(600, 915, 180, 30)
    for n, colour in enumerate((glaze, other, light(glaze, 0.35))):
        wide, y = 320 - 34 * n, 690 - 78 * n
        vessel(scene, [(wide, y), (wide * 0.95, y + 70), (wide * 0.74, y + 160), (wide * 0.45, y + 222)], colour, open_=False)
        scene.shade(ring(600, y, wide, wide * 0.17), [light(colour, 0.25), colour])
        scene.shade(ring(600, y + 4, wide * 0.95, wide * 0.148), [dark(inside, 0.16), inside, light(inside, 0.2)])


def plate(scene: Scene, *, glaze: Colour, rim: Colour, sprig: Colour) -> None:
    """A plate from above, with a painted sprig."""
    sheet = Layer()
    sheet.shade(ring(600, 600, 400, 400), [light(rim, 0.18), rim, dark(rim, 0.12)])
    sheet.shade(ring(600, 600, 378, 378), [light(glaze, 0.1), glaze, dark(glaze, 0.05)])
    sheet.shade(ring(600, 600, 272, 272), [dark(glaze, 0.09), light(glaze, 0.15)])
    sheet.shade(ring(603, 604, 262, 262), [light(glaze, 0.2), dark(glaze, 0.03)])
    scene.lay(sheet, height=22)
    branch(scene, (520, 760), (690, 440), sprig, leaves=9, size=34, bend=-30)


def vase(scene: Scene, *, glaze: Colour, shape: str = "bottle", plant: str = "branch", dip: Colour | None = None, leaf: Colour = LEAF) -> None:
    """A vase with a twig or grasses in it."""
    shapes: dict[str, Profile] = {
        "bottle": [(44, 480), (40, 560), (64, 640), (150, 740), (168, 830), (130, 915)],
        "moon": [(52, 500), (58, 530), (150, 590), (216, 700), (200, 820), (116, 912)],
        "tall": [(86, 400), (78, 450), (92, 600), (128, 760), (126, 860), (104, 916)],
        "jar": [(118, 560), (108, 590), (176, 660), (204, 770), (182, 870), (136, 914)],
    }
    profile = shapes[shape]
    foot = (600, profile[0][1] + 4)
    scene.ground(600, 916, profile[-1][0] * 1.1, 26)
    if plant == "branch":
        branch(scene, (596, foot[1]), (470, foot[1] - 330), leaf, leaves=9)
        branch(scene, (606, foot[1]), (735, foot[1] - 260), mix(leaf, WARM, 0.2), leaves=7, bend=-24)
    elif plant == "grass":
        grass(scene, foot, leaf)
    vessel(scene, profile, glaze, dip=dip, dip_y=profile[-1][1] - 150)


def jug(scene: Scene, *, glaze: Colour, dip: Colour | None = None) -> None:
    """A jug with a lip."""
    scene.ground(600, 918, 170, 30)
    sheet = Layer()
    handle(sheet, 716, 650, 104, 128, glaze, 32)
    scene.put(sheet)
    lip = [(478, 470), (420, 452), (430, 500), (500, 560)]
    scene.shade(smooth(lip), [light(glaze, 0.2), glaze])
    vessel(scene, [(128, 470), (112, 540), (134, 640), (182, 770), (178, 860), (140, 916)], glaze, dip=dip, dip_y=745)


def teapot(scene: Scene, *, glaze: Colour, wood: Colour) -> None:
    """A teapot with a wooden knob."""
    scene.ground(600, 912, 200, 32)
    sheet = Layer()
    handle(sheet, 800, 720, 110, 112, glaze, 30)
    scene.put(sheet)
    spout = [(430, 800), (330, 700), (270, 598), (314, 590), (400, 660), (470, 700)]
    scene.shade(smooth(spout), [light(glaze, 0.2), glaze], vertical=True)
    vessel(scene, [(96, 610), (150, 630), (226, 700), (236, 790), (190, 880), (140, 910)], glaze, open_=False)
    scene.shade(outline([(20, 560), (92, 590), (112, 618)], 600), _round(light(glaze, 0.06)))
    scene.shade(ring(600, 548, 30, 30), _round(wood))


# Light


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
        scene.shade(cap, _round(shade))
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
    scene.shade(rounded(582, 330, 36, 60, 12), _round(mix(shade, (90, 70, 50), 0.5)))
    shapes: dict[str, list[Point]] = {
        "dome": [*ring(600, 650, 290, 270, 180, 360), *ring(600, 650, 290, 44, 0, 180)],
        "disc": [*ring(600, 560, 390, 170, 180, 360), *ring(600, 560, 390, 46, 0, 180)],
        "cone": [(560, 385), (640, 385), (860, 680), *ring(600, 680, 260, 42, 0, 180), (340, 680)],
        "bell": [*smooth([(570, 390), (500, 440), (460, 560), (380, 690)], closed=False), *ring(600, 690, 220, 38, 180, 0), *smooth([(820, 690), (740, 560), (700, 440), (630, 390)], closed=False)],
    }
    y, rx = {"dome": (650, 290), "disc": (560, 390), "cone": (680, 260), "bell": (690, 220)}[form]
    scene.shade(shapes[form], _round(shade))
    scene.shade(ring(600, y, rx - 7, rx * 0.13), [dark(inside, 0.12), light(inside, 0.35), inside])
    scene.shade(ring(600, y + 6, 62, 32), [(255, 250, 232), (255, 240, 205)], vertical=True)


def lantern(scene: Scene, *, paper: Colour, wood: Colour) -> None:
    """A floor lantern of paper on a wooden frame."""
    scene.glow(600, 560, 560, WARM, 0.55)
    scene.ground(600, 922, 190, 26)
    for x in (438, 762):
        scene.shade(rounded(x - 9, 250, 18, 668, 8), _round(wood))
    body = rounded(452, 290, 296, 560, 34)
    scene.shade(body, [light(paper, 0.1), light(paper, 0.55), light(paper, 0.35), paper, dark(paper, 0.08)])
    for y in range(346, 830, 56):
        scene.line([(456, y), (744, y)], dark(paper, 0.1), 3)
    for y in (282, 858):
        scene.shade(rounded(430, y - 11, 340, 22, 9), _round(wood))


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
        for cx, top, colour in ((430, 500, wax), (610, 400, light(wax, 0.3)), (780, 580, mix(wax, holder, 0.5))):
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
    flame = [(cx, y - 120), (cx + 25, y - 52), (cx + 17, y - 12), (cx, y - 4), (cx - 17, y - 12), (cx - 25, y - 52)]
    scene.shade(smooth(flame), [(255, 226, 140), (247, 160, 72)], vertical=True)
    core = [(cx, y - 74), (cx + 10, y - 36), (cx, y - 12), (cx - 10, y - 36)]
    scene.fill(smooth(core), (255, 248, 220))


# Textiles


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
                scene.shade([(x, y), (x + 20, y), (x + 20, y + 96), (x, y + 96)], [stripe, dark(stripe, 0.2)], vertical=True, within=mask)
        elif pattern == "check":
            for x in range(280, 930, 110):
                scene.shade([(x, y), (x + 46, y), (x + 46, y + 96), (x, y + 96)], [mix(colour, stripe, 0.55), dark(mix(colour, stripe, 0.55), 0.18)], vertical=True, within=mask)
            scene.shade([(240, y + 36), (960, y + 36), (960, y + 60), (240, y + 60)], [mix(colour, stripe, 0.7)] * 2, within=mask)
    for x in range(300, 420, 17):
        scene.line([(x, 612), (x - 3, 676), (x + 2, 712)], light(stripe, 0.1), 6)
    scene.shade(rounded(282, 548, 152, 72, 26), [light(wool, 0.22), wool], vertical=True)


def cushion(scene: Scene, *, cloth: Colour, motif: Colour, pattern: str = "arches") -> None:
    """A cushion that leans on the wall."""
    scene.ground(600, 908, 300, 30)
    shape = smooth([(300, 330), (600, 356), (900, 330), (872, 610), (906, 898), (600, 876), (294, 898), (328, 610)])
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
            scene.shade([(x, 300), (x + 14, 300), (x + 14, 920), (x, 920)], [motif, dark(motif, 0.15)], vertical=True, within=mask)
    elif pattern == "dots":
        for row in range(6):
            for column in range(6):
                cx, cy = 352 + column * 100 + (row % 2) * 50, 410 + row * 90
                scene.shade(ring(cx, cy, 17, 17), [motif, motif], within=mask)
    else:
        for n, r in enumerate((250, 190, 130, 70)):
            scene.shade(ring(600, 612, r, r), [(motif, cloth)[n % 2], dark((motif, cloth)[n % 2], 0.12)], within=mask)


def towel(scene: Scene, *, cloth: Colour, stripe: Colour, wood: Colour, pattern: str = "bands") -> None:
    """A tea towel on a peg rail."""
    scene.shade(rounded(200, 214, 800, 46, 20), [light(wood, 0.15), dark(wood, 0.12)], vertical=True)
    for x in (330, 600, 870):
        scene.shade(ring(x, 238, 25, 25), _round(light(wood, 0.12)))
    sheet = Layer()
    shape = smooth([(578, 246), (540, 330), (432, 420), (410, 700), (416, 1010), (520, 1024), (600, 1006), (690, 1024), (786, 1008), (790, 700), (768, 420), (660, 330), (622, 246)])
    mask = sheet.shade(shape, [dark(cloth, 0.1), light(cloth, 0.2), cloth, light(cloth, 0.08), dark(cloth, 0.14)])
    if pattern == "bands":
        for y, height in ((800, 22), (840, 54), (912, 22)):
            sheet.shade([(400, y), (800, y), (800, y + height), (400, y + height)], [dark(stripe, 0.1), light(stripe, 0.12), dark(stripe, 0.14)], within=mask)
    else:
        for x in range(440, 800, 52):
            sheet.shade([(x, 300), (x + 10, 300), (x + 10, 1030), (x, 1030)], [stripe] * 2, within=mask)
        for y in range(470, 1030, 62):
            sheet.shade([(400, y), (800, y), (800, y + 8), (400, y + 8)], [stripe] * 2, within=mask)
    scene.lay(sheet, height=20, alpha=0.25)
    for a, b in (((560, 350), (520, 980)), ((640, 350), (676, 980))):
        scene.line([a, ((a[0] + b[0]) / 2 - 8, 660), b], dark(cloth, 0.09), 4)
    scene.shade(ring(600, 238, 25, 25), _round(light(wood, 0.12)))


def napkins(scene: Scene, *, cloth: Colour, other: Colour, tie: Colour) -> None:
    """Napkins, rolled and tied, from above."""
    for n, (colour, angle) in enumerate(((cloth, -24), (other, -4), (light(cloth, 0.3), 16))):
        sheet = Layer()
        cx = 390 + n * 210
        sheet.shade(rounded(cx - 74, 250, 148, 700, 40), [light(colour, 0.15), light(colour, 0.25), colour, dark(colour, 0.2)])
        for y in (278, 922):
            sheet.line([(cx - 62, y), (cx + 62, y)], dark(colour, 0.12), 4)
        sheet.shade([(cx - 77, 570), (cx + 77, 570), (cx + 77, 610), (cx - 77, 610)], [light(tie, 0.1), dark(tie, 0.2)])
        sheet.line([(cx - 8, 588), (cx - 52, 660), (cx - 46, 690)], tie, 7)
        sheet.line([(cx + 8, 588), (cx + 44, 664), (cx + 36, 700)], tie, 7)
        scene.lay(sheet.turn(angle, (cx, 600)), height=22)


# Paper


def notebook(scene: Scene, *, cover: Colour, band: Colour, label: Colour = CREAM, angle: float = -9, under: Colour | None = None) -> None:
    """A notebook with an elastic band, from above; another one may lie under it."""
    for colour, turn in ((under, angle + 17), (cover, angle)):
        if colour is None:
            continue
        sheet = Layer()
        sheet.fill(rounded(348, 262, 522, 694, 16), light(CREAM, 0.2))
        for n in range(4):
            sheet.line([(862 + n, 290), (862 + n, 930)], dark(CREAM, 0.12 + 0.05 * (n % 2)), 1)
        sheet.shade(rounded(330, 250, 522, 700, 18), [dark(colour, 0.22), colour, light(colour, 0.1), colour])
        sheet.shade([(330, 268), (386, 250), (386, 950), (330, 932)], [dark(colour, 0.34), dark(colour, 0.14)])
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
                    sheet.fill(smooth([at, (at[0] + side * 70, at[1] - 70), (at[0] + side * 96, at[1] - 16)]), (other, ink)[k % 2])
        scene.lay(sheet.turn(angle, (600, 950)), height=14)


def print_(scene: Scene, *, frame: Colour, paper: Colour, one: Colour, two: Colour, three: Colour, form: str = "hills") -> None:
    """A framed print on the wall."""
    sheet = Layer()
    sheet.shade(rounded(310, 170, 580, 780, 8), [light(frame, 0.12), frame, dark(frame, 0.2)])
    sheet.shade([(338, 198), (862, 198), (862, 922), (338, 922)], [paper, light(paper, 0.2)])
    window = sheet.mask([(396, 262), (804, 262), (804, 858), (396, 858)])
    sheet.shade([(396, 262), (804, 262), (804, 858), (396, 858)], [light(two, 0.62), light(two, 0.45)], vertical=True)
    if form == "hills":
        sheet.shade(ring(680, 420, 78, 78), [one, light(one, 0.1)], within=window)
        for y, colour, phase in ((580, light(two, 0.3), 0.4), (660, two, 2.0), (750, three, 4.1)):
            crest = [(x, y + 42 * math.sin(x / 88 + phase)) for x in range(390, 812, 8)]
            sheet.shade([*crest, (812, 870), (390, 870)], [colour, dark(colour, 0.1)], vertical=True, within=window)
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
        sheet.shade([(x + 5, top), (x + 53, top), (x + 53, 960), (x + 5, 960)], [light(colour, 0.25), colour, dark(colour, 0.08), dark(colour, 0.26)])
        sheet.shade([(x + 5, top), (x + 29, top - 112), (x + 53, top)], [light(wood, 0.3), wood, dark(wood, 0.16)])
        sheet.fill([(x + 21, top - 76), (x + 29, top - 112), (x + 37, top - 76)], dark(colour, 0.3))
        sheet.shade([(x + 5, 944), (x + 53, 944), (x + 53, 962), (x + 5, 962)], [CREAM, dark(CREAM, 0.2)])
        scene.lay(sheet.turn(-7), height=12)


def pen(scene: Scene, *, barrel: Colour, metal: Colour) -> None:
    """A fountain pen, lying open, and a line of ink."""
    wave = [(x, 860 + 26 * math.sin(x / 46)) for x in range(300, 800, 8)]
    scene.line(wave, dark(barrel, 0.3), 7)
    sheet = Layer()
    sheet.shade(rounded(555, 150, 90, 520, 44), _round(barrel))
    sheet.shade([(557, 520), (643, 520), (643, 552), (557, 552)], _round(metal))
    sheet.shade(smooth([(566, 640), (634, 640), (624, 760), (576, 760)]), _round(dark(barrel, 0.2)))
    sheet.shade([(574, 752), (626, 752), (604, 872), (596, 872)], [light(metal, 0.4), metal, dark(metal, 0.2)])
    sheet.line([(600, 780), (600, 862)], dark(metal, 0.4), 3)
    sheet.shade(rounded(634, 190, 15, 230, 7), [light(metal, 0.3), dark(metal, 0.1)])
    scene.lay(sheet.turn(38, (600, 560)), height=18)


def ink(scene: Scene, *, colour: Colour, cap: Colour) -> None:
    """A glass bottle of ink."""
    scene.ground(600, 912, 200, 30)
    glass = mix(colour, (235, 240, 245), 0.55)
    scene.shade(rounded(400, 590, 400, 324, 56), _round(glass))
    scene.shade(rounded(428, 680, 344, 214, 40), _round(colour))
    scene.shade(rounded(470, 742, 260, 96, 6), [light(CREAM, 0.2), CREAM])
    scene.line([(510, 778), (690, 778)], dark(CREAM, 0.4), 4)
    scene.line([(540, 804), (660, 804)], dark(CREAM, 0.25), 4)
    scene.shade(rounded(508, 470, 184, 124, 20), _round(cap))
    for x in range(528, 690, 22):
        scene.line([(x, 492), (x, 574)], dark(cap, 0.2), 3)


# Wood


def board(scene: Scene, *, wood: Colour, form: str = "paddle") -> None:
    """A cutting board, from above."""
    sheet = Layer()
    if form == "round":
        body = ring(600, 610, 360, 360)
    else:
        body = smooth([(540, 150), (660, 150), (676, 330), (800, 400), (820, 700), (800, 1010), (600, 1030), (400, 1010), (380, 700), (400, 400), (524, 330)])
    mask = sheet.shade(body, [light(wood, 0.15), wood, light(wood, 0.06), dark(wood, 0.12)])
    for n in range(13):
        x = 262 + n * 56
        grain = smooth([(x, 120), (x + 16 * math.sin(n * 1.9), 420), (x - 14 * math.cos(n * 1.3), 720), (x + 8, 1080)], closed=False)
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
        sheet.shade(rounded(cx - 17, 430, 34, 560, 17), _round(colour))
        head = ring(cx, 330, 82, 120) if n != 1 else rounded(cx - 78, 206, 156, 236, 52)
        sheet.shade(head, _round(colour))
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
        scene.shade([(x1 - 25, 540), (x1 + 25, 540), (x2 + 16, low), (x2 - 16, low)], [light(colour, 0.12), dark(colour, 0.16)])
    scene.shade(rounded(396, 752, 408, 24, 12), _round(dark(wood, 0.1)))
    rim = [*ring(600, 500, 290, 60, 180, 360), *ring(600, 548, 290, 62, 0, 180)]
    scene.shade(rim, _round(dark(seat, 0.1)))
    scene.shade(ring(600, 500, 290, 60), [light(seat, 0.25), seat, dark(seat, 0.08)])


def tray(scene: Scene, *, wood: Colour, lining: Colour, mug_: Colour) -> None:
    """A round tray from above, with a cup of tea on it."""
    sheet = Layer()
    sheet.shade(ring(600, 600, 410, 410), [light(wood, 0.2), wood, dark(wood, 0.22)])
    sheet.shade(ring(600, 600, 376, 376), [dark(lining, 0.16), lining, light(lining, 0.1)])
    scene.lay(sheet, height=26)
    cup = Layer()
    cup.shade(rounded(800, 470, 96, 46, 23), _round(mug_))
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
            scene.shade(rounded(x - 20, y, 40, 25, 12), [light(fibre, 0.16), dark(fibre, 0.12)], vertical=True, within=mask)
    scene.shade(ring(600, 560, 276, 46), [light(rim, 0.2), rim])
    scene.shade(ring(600, 562, 248, 34), [dark(fibre, 0.45), dark(fibre, 0.3)])


MOTIFS: dict[str, tuple[Motif, str]] = {
    "mug": (mug, "shelf"), "beakers": (beakers, "shelf"), "bowl": (bowl, "shelf"), "bowls": (bowls, "shelf"),
    "plate": (plate, "flat"), "vase": (vase, "shelf"), "jug": (jug, "shelf"), "teapot": (teapot, "shelf"),
    "table_lamp": (table_lamp, "shelf"), "pendant": (pendant, "flat"), "lantern": (lantern, "shelf"),
    "candle": (candle, "shelf"), "throw": (throw, "shelf"), "cushion": (cushion, "shelf"),
    "towel": (towel, "flat"), "napkins": (napkins, "flat"), "notebook": (notebook, "flat"),
    "cards": (cards, "flat"), "print": (print_, "flat"), "pencils": (pencils, "flat"), "pen": (pen, "flat"),
    "ink": (ink, "shelf"), "board": (board, "flat"), "spoons": (spoons, "flat"), "stool": (stool, "shelf"),
    "tray": (tray, "flat"), "basket": (basket, "shelf"),
}  # fmt: skip
"""Each motif's function, and whether the thing stands on a shelf or lies or hangs flat."""


FRAMING: dict[str, tuple[float, float]] = {
    "cards": (1.0, 600), "pendant": (1.14, 480), "vase": (1.16, 600), "towel": (1.12, 610), "print": (1.2, 560),
    "plate": (1.2, 600), "tray": (1.18, 600), "table_lamp": (1.2, 610), "lantern": (1.15, 590),
    "candle": (1.22, 620), "spoons": (1.2, 600), "board": (1.1, 600), "pen": (1.22, 540), "mug": (1.4, 700),
    "beakers": (1.4, 740), "ink": (1.34, 700), "stool": (1.26, 680), "teapot": (1.34, 710),
}  # fmt: skip
"""How near a motif is seen, and around which height, where the usual does not suit it."""


def draw(motif: str, *, wall: Colour, floor: Colour | None, back: str, accent: Colour | None, options: dict[str, Any]) -> Image.Image:
    """A finished picture of a motif before its background."""
    function, ground = MOTIFS[motif]
    scene = Scene(wall)
    if back == "sun":
        scene.sun(accent or light(wall, 0.3))
    elif back == "arch":
        scene.arch(accent or light(wall, 0.3))
    elif back == "beam":
        scene.beam()
    if ground == "shelf":
        scene.floor(floor or light(wall, 0.35))
    function(scene, **options)
    zoom, centre_y = FRAMING.get(motif, (1.16, 600.0) if ground == "flat" else (1.26, 660.0))
    return scene.finished(zoom=zoom, centre=(600, centre_y))

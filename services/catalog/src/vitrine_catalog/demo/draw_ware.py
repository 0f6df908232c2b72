"""Motifs of tableware and vases."""

from __future__ import annotations

from .draw_canvas import Colour, Layer, Scene, dark, light, mix, ring, smooth
from .draw_shapes import LEAF, WARM, Profile, around, branch, grass, handle, outline, vessel


def mug(
    scene: Scene, *, glaze: Colour, dip: Colour | None = None, speckle: Colour | None = None, tall: float = 0
) -> None:
    """A mug with its handle to the right."""
    scene.ground(600, 918, 205, 34)
    top = 560 - tall
    sheet = Layer()
    handle(sheet, 770, (top + 900) / 2 - 10, 96, 112 + tall * 0.25, dip or glaze)
    scene.put(sheet)
    vessel(
        scene,
        [(196, top), (200, top + 90), (198, 800), (182, 885), (150, 916)],
        glaze,
        dip=dip,
        dip_y=760,
        speckle=speckle,
    )


def beakers(scene: Scene, *, glaze: Colour, other: Colour) -> None:
    """Two small cups, one before the other."""
    scene.ground(470, 880, 128, 24)
    vessel(scene, [(132, 640), (136, 740), (126, 830), (100, 880)], other, cx=470, speckle=dark(other, 0.4))
    scene.ground(725, 930, 140, 26)
    vessel(scene, [(144, 672), (149, 780), (138, 880), (110, 930)], glaze, cx=725, speckle=dark(glaze, 0.4))


def bowl(scene: Scene, *, glaze: Colour, inside: Colour, wide: float = 330) -> None:
    """A bowl, seen from a little above."""
    scene.ground(600, 905, wide * 0.52, 30)
    vessel(
        scene,
        [(wide, 610), (wide * 0.96, 690), (wide * 0.76, 800), (wide * 0.42, 880), (wide * 0.38, 902)],
        glaze,
        open_=False,
    )
    scene.shade(ring(600, 610, wide, wide * 0.2), [light(glaze, 0.25), glaze])
    scene.shade(ring(600, 614, wide * 0.95, wide * 0.175), [dark(inside, 0.16), inside, light(inside, 0.2)])


def bowls(scene: Scene, *, glaze: Colour, inside: Colour, other: Colour) -> None:
    """Three bowls, one in another."""
    scene.ground(600, 915, 180, 30)
    for n, colour in enumerate((glaze, other, light(glaze, 0.35))):
        wide, y = 320 - 34 * n, 690 - 78 * n
        vessel(
            scene,
            [(wide, y), (wide * 0.95, y + 70), (wide * 0.74, y + 160), (wide * 0.45, y + 222)],
            colour,
            open_=False,
        )
        scene.shade(ring(600, y, wide, wide * 0.17), [light(colour, 0.25), colour])
        scene.shade(
            ring(600, y + 4, wide * 0.95, wide * 0.148), [dark(inside, 0.16), inside, light(inside, 0.2)]
        )


def plate(scene: Scene, *, glaze: Colour, rim: Colour, sprig: Colour) -> None:
    """A plate from above, with a painted sprig."""
    sheet = Layer()
    sheet.shade(ring(600, 600, 400, 400), [light(rim, 0.18), rim, dark(rim, 0.12)])
    sheet.shade(ring(600, 600, 378, 378), [light(glaze, 0.1), glaze, dark(glaze, 0.05)])
    sheet.shade(ring(600, 600, 272, 272), [dark(glaze, 0.09), light(glaze, 0.15)])
    sheet.shade(ring(603, 604, 262, 262), [light(glaze, 0.2), dark(glaze, 0.03)])
    scene.lay(sheet, height=22)
    branch(scene, (520, 760), (690, 440), sprig, leaves=9, size=34, bend=-30)


def vase(
    scene: Scene,
    *,
    glaze: Colour,
    shape: str = "bottle",
    plant: str = "branch",
    dip: Colour | None = None,
    leaf: Colour = LEAF,
) -> None:
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
    vessel(
        scene,
        [(128, 470), (112, 540), (134, 640), (182, 770), (178, 860), (140, 916)],
        glaze,
        dip=dip,
        dip_y=745,
    )


def teapot(scene: Scene, *, glaze: Colour, wood: Colour) -> None:
    """A teapot with a wooden knob."""
    scene.ground(600, 912, 200, 32)
    sheet = Layer()
    handle(sheet, 800, 720, 110, 112, glaze, 30)
    scene.put(sheet)
    spout = [(430, 800), (330, 700), (270, 598), (314, 590), (400, 660), (470, 700)]
    scene.shade(smooth(spout), [light(glaze, 0.2), glaze], vertical=True)
    vessel(scene, [(96, 610), (150, 630), (226, 700), (236, 790), (190, 880), (140, 910)], glaze, open_=False)
    scene.shade(outline([(20, 560), (92, 590), (112, 618)], 600), around(light(glaze, 0.06)))
    scene.shade(ring(600, 548, 30, 30), around(wood))

"""The register of motifs: what each is drawn by, what it stands on, and how near it is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PIL import Image

from .draw_canvas import Colour, Scene, light
from .draw_lights import candle, lantern, pendant, table_lamp
from .draw_paper import cards, ink, notebook, pen, pencils, print_
from .draw_textiles import cushion, napkins, throw, towel
from .draw_ware import beakers, bowl, bowls, jug, mug, plate, teapot, vase
from .draw_wood import basket, board, spoons, stool, tray

Motif = Callable[..., None]

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
    "cards": (1.0, 600), "pendant": (1.14, 480), "vase": (1.16, 600), "towel": (1.3, 640), "print": (1.2, 560),
    "plate": (1.2, 600), "tray": (1.18, 600), "table_lamp": (1.2, 610), "lantern": (1.15, 590),
    "candle": (1.22, 620), "spoons": (1.2, 600), "board": (1.1, 600), "pen": (1.22, 540), "mug": (1.4, 700),
    "beakers": (1.4, 740), "ink": (1.34, 700), "stool": (1.26, 680), "teapot": (1.34, 710),
}  # fmt: skip
"""How near a motif is seen, and around which height, where the usual does not suit it."""


def draw(
    motif: str,
    *,
    wall: Colour,
    floor: Colour | None,
    back: str,
    accent: Colour | None,
    options: dict[str, Any],
) -> Image.Image:
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

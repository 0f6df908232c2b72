"""Draws the demo shop's pictures anew: `python -m vitrine_catalog.demo.draw [NAME …]`; the shop itself never does."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from vitrine_catalog.demo.draw_canvas import Colour, rgb
from vitrine_catalog.demo.draw_motifs import draw
from vitrine_catalog.demo.shop import PICTURES, DemoPicture, load_shop


def draw_picture(picture: DemoPicture, palette: Mapping[str, str]) -> None:
    """Draw one picture into its file."""
    drawing = picture.drawing

    def colour(name: str | None) -> Colour | None:
        return None if name is None else rgb(palette[name])

    def option(value: Any) -> Any:
        if isinstance(value, list):
            return [rgb(palette[name]) for name in value]
        return rgb(palette[value]) if isinstance(value, str) and value in palette else value

    wall = colour(drawing["wall"])
    assert wall is not None
    image = draw(
        drawing["draw"],
        wall=wall,
        floor=colour(drawing.get("floor")),
        back=drawing.get("back", ""),
        accent=colour(drawing.get("accent")),
        options={name: option(value) for name, value in drawing["with"].items()},
    )
    image.save(picture.path, "WEBP", quality=84, method=6)


def main(names: list[str]) -> None:
    """Draw the pictures of these names, or all of them."""
    shop = load_shop()
    PICTURES.mkdir(exist_ok=True)
    for product in shop.products:
        for picture in product.pictures:
            if not names or picture.name in names:
                draw_picture(picture, shop.palette)
                print(f"{picture.name}: {picture.path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])

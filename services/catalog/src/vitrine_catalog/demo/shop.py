"""Reads the demo shop's data file; knows neither the database nor how pictures are drawn."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Final, Literal

FOLDER: Final = Path(__file__).parent
PICTURES: Final = FOLDER / "pictures"


@dataclass(frozen=True, slots=True)
class DemoPicture:
    """A picture: its file's name, what it shows, and how it is drawn, colours by their names."""

    name: str
    alt: str
    drawing: Mapping[str, Any]

    @property
    def path(self) -> Path:
        """Where the picture lies."""
        return PICTURES / f"{self.name}.webp"


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """A product as the data file has it, its text as HTML."""

    title: str
    vendor: str
    categories: list[str]
    tags: list[str]
    status: Literal["draft", "active", "archived"]
    description_html: str
    options: dict[str, list[str]]
    variants: list[dict[str, Any]]
    pictures: list[DemoPicture]


@dataclass(frozen=True, slots=True)
class DemoCategory:
    """A category of the top level and the names of those below it."""

    name: str
    description_html: str
    below: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DemoShop:
    """Everything the demo shop has."""

    currency: str
    palette: dict[str, str]
    categories: list[DemoCategory]
    products: list[DemoProduct]


def load_shop() -> DemoShop:
    """The demo shop."""
    with (FOLDER / "shop.toml").open("rb") as file:
        data = tomllib.load(file)
    return DemoShop(
        currency=data["currency"],
        palette=data["palette"],
        categories=[
            DemoCategory(entry["name"], _html(entry["text"]), entry.get("below", []))
            for entry in data["category"]
        ],
        products=[_product(entry) for entry in data["product"]],
    )


def _product(entry: Mapping[str, Any]) -> DemoProduct:
    pictures = [
        DemoPicture(item["name"], item["alt"], {k: v for k, v in item.items() if k not in ("name", "alt")})
        for item in entry["pictures"]
    ]
    return DemoProduct(
        title=entry["title"],
        vendor=entry["vendor"],
        categories=entry["in"],
        tags=entry["tags"],
        status=entry.get("status", "active"),
        description_html=_html(entry["text"]),
        options=entry.get("options", {}),
        variants=entry["variants"],
        pictures=pictures,
    )


def _html(text: str) -> str:
    """Paragraphs, which the data file parts by blank lines."""
    return "".join(f"<p>{escape(part.strip(), quote=False)}</p>" for part in text.strip().split("\n\n"))

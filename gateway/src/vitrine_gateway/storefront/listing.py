"""What a visitor asks of a list of products: filters, order and place, read from the address and written back to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from vitrine_gateway.presentation import minor_units

PAGE_SIZE = 24
ORDERS: Mapping[str, str] = {
    "newest": "Newest first",
    "title": "By name",
    "price": "Price, low to high",
    "-price": "Price, high to low",
}
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Listing:
    """One view of the shelves; the texts are as the visitor typed them."""

    q: str = ""
    sort: str = ""
    vendor: str = ""
    price_from: str = ""
    price_to: str = ""
    in_stock: bool = False
    after: str = ""

    @classmethod
    def of(cls, args: Mapping[str, str]) -> Listing:
        """Reads the query string; what makes no sense is left out, for a visitor's link should never fail."""

        def text(name: str) -> str:
            return " ".join(args.get(name, "").replace("\0", "").split())[:MAX_TEXT]

        sort = args.get("sort", "")
        return cls(
            q=text("q"),
            sort=sort if sort in ORDERS else "",
            vendor=text("vendor"),
            price_from=text("from"),
            price_to=text("to"),
            in_stock=args.get("in_stock") == "1",
            after=args.get("after", "")[:1024],
        )

    def query(self, currency: str) -> dict[str, Any]:
        """The catalog's parameters for this view."""
        found: dict[str, Any] = {"limit": PAGE_SIZE}
        if self.vendor:
            found["vendor"] = self.vendor
        if self.in_stock:
            found["in_stock"] = "true"
        for name, typed in (("price_min", self.price_from), ("price_max", self.price_to)):
            amount = _amount(typed, currency)
            if amount is not None:
                found[name] = amount
        if self.after:
            found["after"] = self.after
        return found

    @property
    def filtered(self) -> bool:
        return bool(self.vendor or self.price_from or self.price_to or self.in_stock)

    def address(self, path: str, **changes: Any) -> str:
        """The address of this view with changes; the place in the list is forgotten unless it is among them."""
        view = replace(self, **{"after": "", **changes})
        pairs = {
            "q": view.q,
            "sort": view.sort,
            "vendor": view.vendor,
            "from": view.price_from,
            "to": view.price_to,
            "in_stock": "1" if view.in_stock else "",
            "after": view.after,
        }
        query = urlencode({name: value for name, value in pairs.items() if value})
        return f"{path}?{query}" if query else path


def _amount(typed: str, currency: str) -> int | None:
    try:
        return minor_units(typed, currency) if typed else None
    except ValueError:
        return None

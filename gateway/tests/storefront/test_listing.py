"""Reading a visitor's filters from an address and writing them back."""

from __future__ import annotations

from vitrine_gateway.storefront.listing import Listing


def test_an_address_keeps_the_view_and_forgets_the_place() -> None:
    view = Listing.of({"q": " blue   bowl ", "sort": "price", "in_stock": "1", "from": "5", "after": "abc"})
    assert view.address("/search") == "/search?q=blue+bowl&sort=price&from=5&in_stock=1"
    assert (
        view.address("/search", after="next") == "/search?q=blue+bowl&sort=price&from=5&in_stock=1&after=next"
    )
    assert view.address("/search", in_stock=False, sort="", price_from="") == "/search?q=blue+bowl"
    assert Listing().address("/products") == "/products"


def test_amounts_are_read_in_the_shops_currency() -> None:
    view = Listing.of({"from": "12.50", "to": "20"})
    assert view.query("USD") == {"limit": 24, "price_min": 1250, "price_max": 2000}
    assert view.query("JPY") == {"limit": 24, "price_max": 20}, "yen have no decimals"
    assert view.filtered
    assert not Listing(q="bowl", sort="price").filtered

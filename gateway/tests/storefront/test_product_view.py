"""Which variant a product page shows, and what it says of it."""

from __future__ import annotations

import json

from vitrine_gateway.clients.catalog_types import Money, Option, Picture, Product, Stock, Variant
from vitrine_gateway.presentation import Presentation
from vitrine_gateway.storefront import product_view


def product(*variants: Variant, **members: object) -> Product:
    options = (Option("Colour", ("Blue", "Red")), Option("Size", ("S", "M")))
    return Product("p", "shirt", "Shirt", "active", 1, options=options, variants=variants, **members)  # type: ignore[arg-type]


def sold_out() -> Stock:
    return Stock(tracked=True, on_hand=0)


def test_the_nearest_variant_to_the_wish_is_chosen_and_one_that_can_be_had_before_another() -> None:
    blue_s = Variant("1", option_values=("Blue", "S"), stock=sold_out())
    blue_m = Variant("2", option_values=("Blue", "M"))
    shirt = product(blue_s, blue_m)
    assert product_view.choose_variant(shirt, {"o1": "Blue"}) is blue_m
    assert product_view.choose_variant(shirt, {"o1": "Blue", "o2": "S"}) is blue_s
    assert product_view.choose_variant(shirt, {"variant": "1"}) is blue_s
    assert product_view.choose_variant(shirt, {"variant": "unknown"}) is blue_m
    assert product_view.choose_variant(product(blue_s), {}) is blue_s
    assert product_view.choose_variant(product(), {"o1": "Blue"}) is None
    assert product_view.choose_variant(product(), {}) is None


def test_there_is_nothing_to_choose_with_one_variant() -> None:
    assert product_view.choices(product(Variant("1", option_values=("Blue", "S"))), None) == []
    found = product_view.choices(product(Variant("1", option_values=("Blue",)), Variant("2")), None)
    assert [(choice.field, choice.chosen) for choice in found] == [("o1", ""), ("o2", "")]


def test_availability_says_what_a_visitor_needs_to_know() -> None:
    said = {
        "Sold out": sold_out(),
        "Last one": Stock(tracked=True, on_hand=1),
        "Only 3 left": Stock(tracked=True, on_hand=3),
        "In stock": Stock(tracked=False),
        "On order": Stock(tracked=True, on_hand=0, policy="continue"),
    }
    for words, stock in said.items():
        assert product_view.availability(Variant("1", stock=stock)) == words


def test_a_variant_without_option_values_is_known_by_its_article() -> None:
    assert Variant("1", sku="A-1").title == "A-1"
    assert Variant("1").title == "Standard"


def test_embedded_json_cannot_leave_its_element() -> None:
    text = product_view.embedded_json({"name": "</script><!-- & \u2028"})
    assert not set("<>&\u2028") & set(str(text))
    assert json.loads(str(text)) == {"name": "</script><!-- & \u2028"}


def test_the_script_gets_prices_as_people_read_them() -> None:
    variant = Variant("1", price=Money(5000, "EUR"), compare_at_price=Money(4000, "EUR"))
    found = json.loads(str(product_view.variants_json(product(variant), Presentation("de_DE"))))
    assert found[0]["price"] == "50,00\u00a0€"
    assert found[0]["before"] == "", "a lower price before is no reduction"


def test_one_offer_stands_alone_and_none_is_left_out() -> None:
    alone = product(Variant("1", sku="A", price=Money(5000, "EUR")), vendor="V")
    found = json.loads(str(product_view.structured_data(alone, "http://x/p", "http://x")))
    assert found["offers"]["price"] == "50.00"
    assert found["sku"] == "A"
    nothing = json.loads(str(product_view.structured_data(product(Variant("1")), "http://x/p", "http://x")))
    assert "offers" not in nothing


def test_pictures_without_a_usable_address_are_left_out() -> None:
    shown = product(
        pictures=(
            Picture("javascript:alert(1)", "a"),
            Picture("//evil.example/x", "b"),
            Picture("/media/x", "c"),
        )
    )
    assert [picture.id for picture in product_view.ordered_pictures(shown, None)] == ["c"]

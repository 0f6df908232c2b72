"""The demo shop's data file fits together, and its pictures are there, of one size and small."""

from PIL import Image
from vitrine_catalog.demo.draw_canvas import rgb
from vitrine_catalog.demo.draw_motifs import MOTIFS, draw
from vitrine_catalog.demo.shop import PICTURES, load_shop


def test_every_variant_has_the_options_of_its_product() -> None:
    for product in load_shop().products:
        for variant in product.variants:
            values = variant.get("values", [])
            assert len(values) == len(product.options), product.title
            for value, choices in zip(values, product.options.values(), strict=True):
                assert value in choices, product.title
            assert variant.get("picture") in (None, *(picture.name for picture in product.pictures))


def test_every_category_of_a_product_is_in_the_tree() -> None:
    shop = load_shop()
    names = {name for category in shop.categories for name in (category.name, *category.below)}
    assert {name for product in shop.products for name in product.categories} <= names


def test_skus_and_pictures_are_told_apart() -> None:
    shop = load_shop()
    skus = [variant["sku"] for product in shop.products for variant in product.variants]
    names = [picture.name for product in shop.products for picture in product.pictures]
    assert len(set(skus)) == len(skus)
    assert len(set(names)) == len(names)


def test_every_picture_is_there_and_small() -> None:
    pictures = [picture for product in load_shop().products for picture in product.pictures]
    assert {picture.path for picture in pictures} == set(PICTURES.glob("*"))
    for picture in pictures:
        assert picture.alt
        assert picture.drawing["draw"] in MOTIFS
        assert picture.path.stat().st_size <= 200_000
        with Image.open(picture.path) as image:
            assert (image.format, image.size) == ("WEBP", (1200, 1200))
    assert sum(picture.path.stat().st_size for picture in pictures) <= 3_000_000


def test_the_shop_shows_what_a_shop_may_hold() -> None:
    products = load_shop().products
    assert 40 <= len(products) <= 60
    assert {product.status for product in products} == {"active", "draft", "archived"}
    sold_out = [product for product in products if all(variant["stock"] == 0 for variant in product.variants)]
    assert any(product.status == "active" for product in sold_out)
    assert any("compare_at" in variant for product in products for variant in product.variants)


def test_a_picture_can_be_drawn_anew() -> None:
    image = draw(
        "plate",
        wall=rgb("#b9c4bd"),
        floor=None,
        back="",
        accent=None,
        options={"glaze": rgb("#f2ecdf"), "rim": rgb("#4d6a63"), "sprig": rgb("#4d6a63")},
    )
    assert (image.size, image.mode) == ((1200, 1200), "RGB")
    assert len(image.getcolors(1 << 20) or range(1000)) > 100

"""The real shops' files come in with exactly the counts that their sources state, and again without a change."""

import pytest
from import_files import counts, real_file

from .conftest import Importer

# File, rows, products, variants, distinct pictures. For Shopify's files rows, products, variants and image rows
# are stated by their sources; a picture is an image row, for no product repeats an address.
FILES = [
    ("shopify-partners/fashion.csv", 5024, 997, 3684, 4742),
    ("shopify-partners/apparel.csv", 104, 25, 96, 55),
    ("shopify-partners/bicycles.csv", 1399, 284, 1121, 1034),
    ("shopify-partners/jewelry.csv", 30, 19, 24, 25),
    ("shopify-partners/snowdevil.csv", 636, 278, 622, 412),
    ("shopify-packt/Product-data.csv", 21, 20, 21, 21),
    ("shopify-lifemademagic/products_export_1.csv", 4088, 338, 3675, 1455),
    ("shopify-abdulkayium/products_export_1.csv", 6618, 1244, 4969, 5829),
    # 25 rows: 16 simple, external or downloadable products with one variant each, 1 grouped one without,
    # 2 variable ones with 7 variations.
    ("woo-sample/sample_products.csv", 400, 18, 22, 26),
    ("woo-classic/sample_products.csv", 24, 15, 21, 26),
    ("woo-classic/sample.csv", 7, 5, 5, 10),
    ("woo-vinoteka/woocommerce-products.csv", 404, 404, 404, 399),
]


@pytest.mark.parametrize(
    ("name", "rows", "products", "variants", "pictures"), FILES, ids=[entry[0] for entry in FILES]
)
async def test_a_real_file_comes_in_whole_and_again_changes_nothing(
    importer: Importer, name: str, rows: int, products: int, variants: int, pictures: int
) -> None:
    content = real_file(name).read_bytes()
    done = await importer.run(content)
    assert done["status"] == "done", done
    assert done["progress"]["rows_read"] == done["progress"]["rows_total"] == rows
    assert done["progress"]["products_done"] == done["progress"]["products_total"] == products
    assert done["counts"] == {
        "products": counts(created=products),
        "variants": counts(created=variants),
        "images": counts(created=pictures),
    }
    [stored] = await importer.rows(
        "SELECT (SELECT count(*) FROM product) AS products, (SELECT count(*) FROM variant) AS variants,"
        " (SELECT count(*) FROM picture) AS pictures"
    )
    assert stored == {"products": products, "variants": variants, "pictures": pictures}
    state = "SELECT id, version, updated_at FROM product ORDER BY id"
    before = await importer.rows(state)

    again = await importer.run(content)
    assert again["counts"] == {
        "products": counts(unchanged=products),
        "variants": counts(unchanged=variants),
        "images": counts(unchanged=pictures),
    }
    assert await importer.rows(state) == before
    assert await importer.rows("SELECT 1 FROM import_row") == []
    assert await importer.spooled() == []


async def test_the_fashion_shop_is_browsable_and_found(importer: Importer) -> None:
    await importer.run(real_file("shopify-partners/fashion.csv").read_bytes())
    get = importer.catalog.get
    categories = (await get("/categories")).json()["items"]
    assert {"women's tops", "men's t-shirts"} <= {category["name"] for category in categories}
    slug = next(category["slug"] for category in categories if category["name"] == "women's tops")
    listed = (await get("/products", params={"category": slug, "limit": 100})).json()["items"]
    assert len(listed) == 100
    first = (await get(f"/products/by-slug/{listed[0]['slug']}")).json()
    assert first["variants"][0]["price"]["currency"] == "EUR"
    assert first["pictures"][0]["url"].startswith("https://")
    found = (await get("/search", params={"q": first["title"]})).json()["items"]
    assert first["id"] in {item["id"] for item in found}


async def test_an_overlapping_export_of_the_same_shop_updates_what_differs(importer: Importer) -> None:
    await importer.run(real_file("shopify-partners/fashion.csv").read_bytes())
    content = real_file("shopify-abdulkayium/products_export_1.csv").read_bytes()
    done = await importer.run(content)
    assert done["status"] == "done"
    products = done["counts"]["products"]
    assert products["failed"] == 0
    assert products["updated"] > 900
    assert products["created"] + products["updated"] + products["unchanged"] == 1244
    again = await importer.run(content)
    assert again["counts"]["products"] == counts(unchanged=1244)


async def test_the_woo_sample_keeps_its_structure(importer: Importer) -> None:
    await importer.run(real_file("woo-sample/sample_products.csv").read_bytes())
    [hoodie] = await importer.rows(
        "SELECT p.options, p.source_key, (SELECT array_agg(c.name) FROM category c JOIN product_category pc"
        " ON pc.category_id = c.id WHERE pc.product_id = p.id) AS categories FROM product p WHERE title = 'Hoodie'"
    )
    assert hoodie["source_key"] == "sku:woo-hoodie"
    assert hoodie["options"] == [
        {"name": "Color", "values": ["Red", "Green", "Blue"]},
        {"name": "Logo", "values": ["No", "Yes"]},
    ]
    assert hoodie["categories"] == ["Hoodies"]
    [red] = await importer.rows("SELECT * FROM variant WHERE sku = 'woo-hoodie-red'")
    assert (red["price_minor"], red["compare_at_minor"]) == (4200, 4500)
    [tree] = await importer.rows(
        "SELECT count(*) FROM category c JOIN category p ON p.id = c.parent_id WHERE p.name = 'Clothing'"
    )
    assert tree["count"] == 3
    [collection] = await importer.rows("SELECT extra FROM product WHERE title = 'Logo Collection'")
    assert collection["extra"]["Type"] == "grouped"
    assert "woo-hoodie-with-logo" in collection["extra"]["Grouped products"]

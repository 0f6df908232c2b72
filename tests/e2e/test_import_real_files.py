"""Real catalogues come in whole through `./vitrine import`, show in the shop, and change nothing the second time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.stack

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real catalogues are not at {DATA}")
FASHION = DATA / "shopify-partners" / "fashion.csv"


def bring_in(stack: Any, file: Path) -> dict[str, Any]:
    done = stack.cli("import", str(file), "--json", check=False, timeout=300)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@needs_data
def test_the_fashion_shop_comes_in_whole_and_only_once(stack: Any) -> None:
    first = bring_in(stack, FASHION)
    assert first["status"] == "done"
    counts = first["counts"]
    assert counts["products"]["created"] + counts["products"]["unchanged"] == 997
    assert counts["variants"]["created"] + counts["variants"]["unchanged"] == 3684
    assert counts["products"]["failed"] == counts["variants"]["failed"] == 0

    again = bring_in(stack, FASHION)["counts"]
    assert again["products"] == {"created": 0, "updated": 0, "unchanged": 997, "failed": 0}
    assert again["variants"] == {"created": 0, "updated": 0, "unchanged": 3684, "failed": 0}
    assert again["images"]["created"] == again["images"]["updated"] == 0


@needs_data
def test_what_came_in_can_be_found_and_seen(stack: Any) -> None:
    bring_in(stack, FASHION)
    with httpx.Client(base_url=stack.url, timeout=20) as visitor:
        found = visitor.get("/api/catalog/v1/search", params={"q": "wool scarf", "limit": 5}).json()
        assert found["items"]
        product = visitor.get(f"/api/catalog/v1/products/{found['items'][0]['id']}").json()
        page = visitor.get(f"/products/{product['slug']}")
        assert page.status_code == 200
        assert "<h1" in page.text
        results = visitor.get("/search", params={"q": "wool scarf"})
        assert f"/products/{product['slug']}" in results.text


@needs_data
@pytest.mark.parametrize(
    ("file", "products", "variants"),
    [
        ("shopify-partners/apparel.csv", 25, 96),
        ("shopify-partners/jewelry.csv", 19, 24),
        ("shopify-packt/Product-data.csv", 20, 21),
    ],
)
def test_other_shops_come_in_with_their_counts(stack: Any, file: str, products: int, variants: int) -> None:
    counts = bring_in(stack, DATA / file)["counts"]
    for kind, expected in (("products", products), ("variants", variants)):
        assert sum(counts[kind][outcome] for outcome in ("created", "updated", "unchanged")) == expected
        assert counts[kind]["failed"] == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("letter.csv", b"Dear Sir,\nplease find enclosed\n"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20),
        ("empty.csv", b""),
        ("quote.csv", b'Handle,Title,Option1 Name,Option1 Value,Variant Price\na,"never closed,,,\n'),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused_with_the_reason(
    stack: Any, tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    done = stack.cli("import", str(file), "--json", check=False, timeout=120)
    assert done.returncode != 0
    assert "line" in (done.stdout + done.stderr) or "empty" in (done.stdout + done.stderr)

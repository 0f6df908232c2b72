"""Bringing files in from the studio: the upload, the progress, the result by line."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_browser import Browser, form_values, words
from shop_neighbours import FakeCatalog, made_id, refusal

CSV = b"Handle,Title\nbowl,Tidal bowl\n" * 40_000
NOTHING = {"created": 0, "updated": 0, "unchanged": 0, "failed": 0}


async def test_a_file_is_handed_over_and_its_progress_shown(editor: Browser, catalog: FakeCatalog) -> None:
    files = {"file": ("spring.csv", CSV, "text/csv")}
    done = await editor.fill("/studio/imports", {"currency": "eur", "name": "Spring"}, files=files)
    assert done.status_code == 303
    upload = catalog.uploads[0]
    assert upload["file"]["content"] == CSV
    assert upload["file"]["filename"] == "spring.csv"
    assert upload["currency"] == "EUR"
    assert upload["name"] == "Spring"
    page = await editor.get(done.headers["Location"])
    assert "Waiting for its turn" in page.text


async def test_a_file_sent_twice_is_imported_once(editor: Browser, catalog: FakeCatalog) -> None:
    form = form_values((await editor.get("/studio/imports")).text, "/studio/imports")
    answers = [
        await editor.send(
            "POST", "/studio/imports", data=form, files={"file": ("a.csv", b"Handle\n", "text/csv")}
        )
        for _ in range(2)
    ]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert len(catalog.imports) == 1
    assert "currency" not in catalog.uploads[0], "what was left empty is not sent"


async def test_without_a_file_or_with_an_odd_currency_nothing_is_sent(
    editor: Browser, catalog: FakeCatalog
) -> None:
    page = await editor.fill("/studio/imports", {"currency": "euros"})
    assert page.status_code == 422
    assert "Choose a file." in page.text
    assert "three capital letters" in page.text
    assert not catalog.uploads


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
async def test_a_file_that_is_no_catalogue_is_refused_with_the_reason(
    editor: Browser, catalog: FakeCatalog, status: int
) -> None:
    catalog.refuse_next = refusal(status, "Line 3: this is no catalogue.")
    page = await editor.fill("/studio/imports", files={"file": ("a.pdf", b"%PDF", "application/pdf")})
    assert page.status_code == 422
    assert "Line 3: this is no catalogue." in page.text


async def test_progress_needs_no_script(editor: Browser, catalog: FakeCatalog) -> None:
    progress = {
        "rows_read": 2210,
        "rows_total": None,
        "bytes_read": 300,
        "bytes_total": 1200,
        "products_done": 0,
        "products_total": None,
    }
    job = catalog.add_import("reading", progress=progress)
    page = await editor.get(f"/studio/imports/{job['id']}")
    assert '<meta http-equiv="refresh"' in page.text
    assert 'data-live="running"' in page.text
    assert 'value="25"' in page.text
    assert "2,210 rows read" in words(page.text)
    job |= {"status": "merging", "progress": {**progress, "products_done": 30, "products_total": 120}}
    page = await editor.get(f"/studio/imports/{job['id']}")
    assert "30 of 120 products" in words(page.text)
    assert 'value="25"' in page.text
    job["status"] = "queued"
    assert '<progress max="100" aria-label' in (await editor.get(f"/studio/imports/{job['id']}")).text


async def test_the_result_lists_counts_and_what_was_wrong_by_line(
    editor: Browser, catalog: FakeCatalog
) -> None:
    catalog.row_problems = [
        {
            "line": number,
            "field": "Variant Price",
            "message": f"“n/a{number}” is no amount.",
            "severity": "error" if number % 2 else "warning",
        }
        for number in range(1, 131)
    ]
    counts = {"products": {**NOTHING, "created": 997, "failed": 2}, "variants": {**NOTHING, "created": 3684}}
    job = catalog.add_import("done", counts=counts)
    page = await editor.get(f"/studio/imports/{job['id']}")
    text = words(page.text)
    assert 'http-equiv="refresh"' not in page.text
    assert 'data-live="ended"' in page.text
    assert "It is in, except for what failed. 130 rows need a look." in text
    assert "Products 997 0 0 2" in text
    assert "Variants 3,684" in text
    assert "7 error Variant Price “n/a7” is no amount." in text
    assert "n/a101" not in text
    second = await editor.get(f"/studio/imports/{job['id']}?after=100")
    assert "n/a101" in second.text
    assert "From the start" in second.text


async def test_a_clean_result_says_so(editor: Browser, catalog: FakeCatalog) -> None:
    job = catalog.add_import("done", counts={"products": {**NOTHING, "unchanged": 3}})
    assert "All of it is in." in (await editor.get(f"/studio/imports/{job['id']}")).text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            {"title": "Not well-formed", "detail": "A quote is not closed.", "line": 7, "column": 3},
            "Not well-formed Line 7, column 3: A quote is not closed.",
        ),
        (
            {"title": "", "detail": "", "line": None, "column": None},
            "The file could not be brought in Nothing was changed.",
        ),
        (None, "The file could not be brought in Nothing was changed."),
    ],
)
async def test_a_failure_names_its_place(
    editor: Browser, catalog: FakeCatalog, error: Any, said: str
) -> None:
    job = catalog.add_import("failed", error=error)
    assert said in words((await editor.get(f"/studio/imports/{job['id']}")).text)


async def test_a_running_import_can_be_stopped(editor: Browser, catalog: FakeCatalog) -> None:
    job = catalog.add_import("reading")
    path = f"/studio/imports/{job['id']}"
    form = form_values((await editor.get(path)).text, f"{path}/cancel")
    done = await editor.send("POST", f"{path}/cancel", data=form)
    assert done.headers["Location"] == path
    page = await editor.get(path)
    assert "The import stops" in page.text
    assert "was stopped" in page.text
    await editor.send("POST", f"{path}/cancel", data=form)
    assert "had ended already" in (await editor.get(path)).text


async def test_imports_are_listed_newest_first_in_pages(editor: Browser, catalog: FakeCatalog) -> None:
    assert "None yet." in (await editor.get("/studio/imports")).text
    for number in range(25):
        catalog.add_import(
            "done", name=f"Import no. {number}", counts={"products": {**NOTHING, "created": 5, "failed": 1}}
        )
    page = await editor.get("/studio/imports")
    assert page.text.index("Import no. 24") < page.text.index("Import no. 23")
    assert "Import no. 4<" not in page.text
    assert "Import no. 4<" in (await editor.get("/studio/imports?after=20")).text


async def test_an_import_without_a_name_is_called_import(editor: Browser, catalog: FakeCatalog) -> None:
    job = catalog.add_import("done", name="")
    assert "<h1>Import</h1>" in (await editor.get(f"/studio/imports/{job['id']}")).text


async def test_an_import_that_is_not_there_is_not_found(editor: Browser) -> None:
    assert (await editor.get(f"/studio/imports/{made_id('none')}")).status_code == 404

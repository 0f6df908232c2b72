"""The audit log in the studio: searched, checked, and taken along as a file."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from fake_service import NOW, made_id
from gateway_browser import SESSION, Browser, words
from shop_neighbours import FakeUsers


def entry(position: int, **changes: Any) -> dict[str, Any]:
    return {
        "position": position,
        "occurred_at": NOW,
        "action": "session.refused",
        "actor_id": None,
        "subject_id": made_id("ann"),
        "outcome": "refused",
        "details": {"by": "<b>", "list": ["x"]},
        "address": "192.0.2.1",
        "digest": f"{position:064x}",
        **changes,
    }


def sign_in(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("owner@example.org", "catalog:read_drafts", "users:audit")


async def test_the_log_is_searched_and_its_check_shown(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    users.rights.entries = [entry(3)]

    page = await browser.get(
        f"/studio/audit?action=session&q=192.0&subject_id={made_id('ann')}&actor_id=me"
        "&since=2026-05-01T08:00&until=never"
    )

    assert "session.<wbr>refused" in page.text
    assert "&lt;b&gt;" in page.text
    assert "as they were written" in words(page.text)
    assert "This cannot be looked for." in page.text
    assert "This is no time." in page.text
    asked = users.last("GET", "/api/users/v1/audit").url.params
    assert asked["action"] == "session"
    assert asked["q"] == "192.0"
    assert asked["since"] == "2026-05-01T08:00:00+00:00"
    assert not {"actor_id", "until"} & set(asked)


async def test_people_are_named_by_one_request_and_those_who_are_gone_by_their_id(
    browser: Browser, users: FakeUsers
) -> None:
    sign_in(browser, users)
    users.add("ann@example.org", name="Ann <Archer>")
    ann, gone = made_id("ann@example.org"), made_id("gone")
    users.rights.entries = [
        entry(4, actor_id=made_id("owner@example.org"), subject_id=ann),
        entry(3, actor_id=ann, subject_id=gone),
        *(entry(2, subject_id=made_id(f"one of many {number}")) for number in range(40)),
        entry(1, subject_id=None),
    ]

    page = await browser.get(f"/studio/audit?subject_id={ann}")

    assert f'<a href="/studio/audit?actor_id={ann}" title="{ann}">Ann &lt;Archer&gt;</a>' in page.text
    assert f"you deleted account {gone[-12:]}" not in words(page.text)
    assert f"deleted account {gone[-12:]}" in words(page.text)
    assert ">you</a>" in page.text
    assert 'id="subject_id-called">Ann &lt;Archer&gt;</p>' in page.text
    assert users.asked("/internal/people") == 1


async def test_without_names_the_page_shows_ids(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    users.add("ann@example.org")
    users.rights.entries = [entry(1, subject_id=made_id("ann@example.org"))]
    users.rights.nameless = True

    page = await browser.get("/studio/audit")

    assert page.status_code == 200
    assert f">{made_id('ann@example.org')[-12:]}</a>" in page.text
    assert "deleted account" not in page.text


async def test_the_page_says_where_the_chain_breaks(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    users.rights.broken_at = 2

    assert "Entry 2 is not as it was written" in words((await browser.get("/studio/audit")).text)


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
async def test_what_was_found_is_exported_whole(browser: Browser, users: FakeUsers, kind: str) -> None:
    sign_in(browser, users)
    users.rights.entries = [entry(number, details={"n": number}) for number in range(2500, 0, -1)]

    page = await browser.get("/studio/audit?action=session&outcome=refused")
    assert f'href="/studio/audit/export?format={kind}&amp;action=session&amp;outcome=refused"' in page.text
    answer = await browser.get(f"/studio/audit/export?format={kind}&action=session")

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="audit.{kind}"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert users.last("GET", "/api/users/v1/audit").url.params["action"] == "session"
    if kind == "csv":
        rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(answer.text)))
    else:
        rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [int(row["position"]) for row in rows] == list(range(2500, 0, -1))
    assert rows[0]["digest"] == f"{2500:064x}"


async def test_no_cell_of_a_table_is_a_formula(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    users.rights.entries = [entry(1, address="=HYPERLINK(1)", details={"text": 'a,"b\nc'})]

    answer = await browser.get("/studio/audit/export?format=csv")

    [row] = csv.DictReader(io.StringIO(answer.text))
    assert row["address"] == "'=HYPERLINK(1)"
    assert json.loads(row["details"]) == {"text": 'a,"b\nc'}


async def test_an_export_that_cannot_be_made_says_why(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)

    assert (await browser.get("/studio/audit/export?format=pdf")).status_code == 400
    assert (await browser.get("/studio/audit/export?actor_id=me")).status_code == 400
    users.failing = 503
    assert (await browser.get("/studio/audit/export")).status_code == 503


async def test_who_may_not_gets_no_export(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("editor@example.org", "catalog:read_drafts")

    assert (await browser.get("/studio/audit/export")).status_code == 403

"""SCIM filters, orders, pages and chosen attributes, against the database."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from scim_world import Provisioner, provisioner
from users_world import World

MARK = "7f3e5b1c"
"""Stands in the names of tests, which are to be the same in every process."""
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@pytest_asyncio.fixture(scope="module")
async def directory(world: World) -> Provisioner:
    """Three users whose external ids bear the mark, and a group of two of them."""
    made = await provisioner(world)
    ann = await made.user(
        userName=f"ann-{MARK}@example.com",
        externalId=f"{MARK}-1",
        name={"givenName": "Ann", "familyName": "Abel"},
    )
    bob = await made.user(
        userName=f"bob-{MARK}@example.com",
        externalId=f"{MARK}-2",
        displayName="100% Bob_",
        active=False,
    )
    await made.user(userName=f"cem-{MARK}@example.org", externalId=f"{MARK}-3", displayName="Cem 'Quote\"")
    await made.group(
        displayName=f"Team {MARK}", members=[{"value": ann["id"]}, {"value": bob["id"]}], externalId=MARK
    )
    return made


async def names(directory: Provisioner, text: str, **more: Any) -> list[str]:
    """Who fits among the marked ones, by the beginning of the address."""
    full = f'externalId sw "{MARK}" and ({text})'
    answer = await directory.ask("GET", "/Users", params={"filter": full, "sortBy": "userName", **more})
    assert answer.status_code == 200, answer.text
    return [user["userName"].partition("-")[0] for user in answer.json()["Resources"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'userName eq "ann-{MARK}@example.com"', ["ann"]),
        (f'userName eq "ANN-{MARK.upper()}@EXAMPLE.COM"', ["ann"]),
        (f'USERNAME Eq "ann-{MARK}@example.com"', ["ann"]),
        (f'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "bob-{MARK}"', ["bob"]),
        (f'userName ne "ann-{MARK}@example.com"', ["bob", "cem"]),
        ('userName co "example.com"', ["ann", "bob"]),
        ('userName ew ".org"', ["cem"]),
        ('userName sw "a"', ["ann"]),
        ("name.familyName pr", ["ann"]),
        ("name pr", ["ann", "bob", "cem"]),
        ('name.familyName eq "abel"', ["ann"]),
        ('name.familyName ne "Abel"', ["bob", "cem"]),
        ("not (name.familyName pr)", ["bob", "cem"]),
        ('not (name.familyName eq "Abel")', ["bob", "cem"]),
        ("active eq true", ["ann", "cem"]),
        ("active eq false", ["bob"]),
        ("active ne true", ["bob"]),
        (f'externalId eq "{MARK}-2"', ["bob"]),
        (f'externalId eq "{MARK.upper()}-2X"', []),
        (f'externalId gt "{MARK}-1"', ["bob", "cem"]),
        (f'externalId ge "{MARK}-2"', ["bob", "cem"]),
        (f'externalId lt "{MARK}-2"', ["ann"]),
        (f'externalId le "{MARK}-2"', ["ann", "bob"]),
        ('userName sw "a" or userName sw "c"', ["ann", "cem"]),
        ('userName sw "a" or userName sw "c" and active eq false', ["ann"]),
        ('(userName sw "a" or userName sw "b") and active eq false', ["bob"]),
        ('meta.created gt "2020-01-01T00:00:00Z"', ["ann", "bob", "cem"]),
        ('meta.lastModified lt "2020-01-01T00:00:00Z"', []),
        ('meta.resourceType eq "User"', ["ann", "bob", "cem"]),
        ('displayName co "%"', ["bob"]),
        ('displayName co "_"', ["bob"]),
        ('displayName co "\'"', ["cem"]),
        ('displayName co "\\""', ["cem"]),
        ('emails.value co "@example.org"', ["cem"]),
        ('emails co "@example.org"', ["cem"]),
        ('emails[value ew ".org" and primary eq true]', ["cem"]),
        ('emails[type eq "home"]', []),
        ("groups pr", ["ann", "bob"]),
        ("not (groups pr)", ["cem"]),
        (f'groups.display eq "team {MARK}"', ["ann", "bob"]),
        (f'groups[display eq "Team {MARK}"]', ["ann", "bob"]),
        (f'groups.display ne "Team {MARK}"', ["cem"]),
        ("displayName eq null", []),
        ("externalId ne null", ["ann", "bob", "cem"]),
    ],
)
async def test_filters(directory: Provisioner, text: str, found: list[str]) -> None:
    assert await names(directory, text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "userName",
        "userName eq",
        "userName is 'x'",
        'userName eq "x',
        'shoeSize eq "42"',
        "active gt true",
        'active eq "perhaps"',
        'meta.created gt "yesterday"',
        "userName eq 5",
        '(userName eq "x"',
        'userName[value eq "x"]',
        "not userName pr",
        "(" * 60 + "userName pr" + ")" * 60,
        "x" * 2000,
    ],
)
async def test_bad_filters_are_refused(directory: Provisioner, text: str) -> None:
    answer = await directory.ask("GET", "/Users", params={"filter": text})

    assert answer.status_code == 400, answer.text
    assert answer.json()["scimType"] in {"invalidFilter", "invalidValue", "invalidPath"}


async def test_groups_are_found_by_their_members(directory: Provisioner) -> None:
    user = (await directory.ask("GET", "/Users", params={"filter": f'externalId eq "{MARK}-1"'})).json()
    found = user["Resources"][0]["id"]

    for text in (f'members.value eq "{found}"', f'members[value eq "{found}"]', f'members eq "{found}"'):
        groups = (await directory.ask("GET", "/Groups", params={"filter": text})).json()
        assert [group["displayName"] for group in groups["Resources"]] == [f"Team {MARK}"]
        assert len(groups["Resources"][0]["members"]) == 2
    bare = await directory.ask(
        "GET", "/Groups", params={"filter": f'displayName eq "TEAM {MARK}"', "excludedAttributes": "members"}
    )
    assert "members" not in bare.json()["Resources"][0]


async def test_orders_and_pages(directory: Provisioner) -> None:
    text = f'externalId sw "{MARK}"'
    down = await names(directory, "userName pr", sortOrder="descending")
    first = (
        await directory.ask("GET", "/Users", params={"filter": text, "sortBy": "userName", "count": "2"})
    ).json()
    second = (
        await directory.ask(
            "GET", "/Users", params={"filter": text, "sortBy": "userName", "count": "2", "startIndex": "3"}
        )
    ).json()
    none = (await directory.ask("GET", "/Users", params={"filter": text, "count": "0"})).json()
    below = (
        await directory.ask("GET", "/Users", params={"filter": text, "count": "-3", "startIndex": "-9"})
    ).json()

    assert down == ["cem", "bob", "ann"]
    assert (first["totalResults"], first["startIndex"], first["itemsPerPage"]) == (3, 1, 2)
    assert (second["totalResults"], second["startIndex"], second["itemsPerPage"]) == (3, 3, 1)
    assert (none["totalResults"], none["itemsPerPage"]) == (3, 0)
    assert (below["totalResults"], below["itemsPerPage"], below["startIndex"]) == (3, 0, 1)
    by_part = (
        await directory.ask("GET", "/Users", params={"filter": text, "sortBy": "name.familyName"})
    ).json()
    assert by_part["Resources"][0]["name"]["familyName"] == "Abel", "who has none comes last"


@pytest.mark.parametrize(
    "query",
    [
        {"sortBy": "shoeSize"},
        {"sortBy": "name"},
        {"sortOrder": "sideways"},
        {"count": "many"},
        {"startIndex": "1e9"},
        {"startIndex": "99999999999999999999"},
        {"attributes": "userName", "excludedAttributes": "name"},
        {"attributes": "emails[primary eq true]"},
    ],
)
async def test_bad_queries_are_refused(directory: Provisioner, query: dict[str, str]) -> None:
    answer = await directory.ask("GET", "/Users", params=query)

    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/scim+json"


async def test_a_page_far_behind_the_last_is_empty(directory: Provisioner) -> None:
    answer = await directory.ask("GET", "/Users", params={"startIndex": "2147483647"})

    assert answer.status_code == 200
    assert answer.json()["Resources"] == []


async def test_chosen_attributes(directory: Provisioner) -> None:
    text = f'externalId eq "{MARK}-1"'
    only = (
        await directory.ask("GET", "/Users", params={"filter": text, "attributes": "userName,name.givenName"})
    ).json()["Resources"][0]
    but = (
        await directory.ask(
            "GET", "/Users", params={"filter": text, "excludedAttributes": "userName,name,id"}
        )
    ).json()["Resources"][0]
    made = await directory.ask("GET", f"/Users/{only['id']}", params={"attributes": "active"})
    parts = await directory.ask(
        "GET",
        f"/Users/{only['id']}",
        params={
            "excludedAttributes": "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName,meta.version,nothing"
        },
    )
    assert parts.json()["name"] == {"familyName": "Abel"}
    assert "version" not in parts.json()["meta"]
    assert "userName" in parts.json()

    assert only.keys() == {"schemas", "id", "userName", "name"}
    assert only["name"] == {"givenName": "Ann"}
    assert "id" in but, "it is always returned"
    assert "userName" not in but
    assert "name" not in but
    assert made.json().keys() == {"schemas", "id", "active"}


async def test_a_search_goes_over_users_and_groups(directory: Provisioner) -> None:
    body = {"schemas": [SEARCH], "filter": f'externalId sw "{MARK}"', "sortBy": "externalId"}

    both = (await directory.ask("POST", "/.search", body)).json()
    users = (await directory.ask("POST", "/Users/.search", body)).json()
    rest = (await directory.ask("POST", "/.search", {**body, "startIndex": 3, "count": 5})).json()

    assert [one["meta"]["resourceType"] for one in both["Resources"]] == ["User", "User", "User", "Group"]
    assert users["totalResults"] == 3
    assert [one["meta"]["resourceType"] for one in rest["Resources"]] == ["User", "Group"]
    deep = await directory.ask("POST", "/.search", {"schemas": [SEARCH], "filter": "(" * 500})
    assert (deep.status_code, deep.json()["scimType"]) == (400, "invalidFilter")
    own = (
        await directory.ask("POST", "/.search", {"schemas": [SEARCH], "filter": "userName pr", "count": 1})
    ).json()
    assert own["Resources"][0]["meta"]["resourceType"] == "User"

"""Registering applications: by owners, with addresses browsers may be sent to, and a secret that is shown once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from applications_world import AFTER, BACK, Program
from click.testing import Result
from factors_world import let_proof_age
from users_world import Person, World, settings_of
from vitrine_users import create_app

GOOD = {"name": "Wiki", "redirect_uris": [BACK]}


async def test_a_secret_is_shown_once_and_stored_as_a_digest(
    world: World, owner: Person, wiki: Program
) -> None:
    listed = await world.get(owner, "/applications")

    assert wiki.secret is not None
    assert wiki.secret not in listed.text
    mine = next(one for one in listed.json()["items"] if one["id"] == wiki.id)
    assert mine["confidential"] is True
    assert mine["logout_uris"] == [AFTER]
    row = await world.sql.fetchrow("SELECT * FROM users.applications WHERE id = $1", wiki.id)
    assert wiki.secret not in str(dict(row))


async def test_a_new_secret_takes_the_old_ones_place(
    world: World, owner: Person, wiki: Program, phone: Program, session: str
) -> None:
    answer = await world.send(owner, "POST", f"/applications/{wiki.id}/secret")
    assert answer.status_code == 201
    form = await wiki.code(session)

    assert (await wiki.post("token", form)).status_code == 401
    wiki.secret = answer.json()["client_secret"]
    assert (await wiki.post("token", form)).status_code == 200
    assert (await world.send(owner, "POST", f"/applications/{phone.id}/secret")).status_code == 409


async def test_an_application_is_changed_and_deleted_with_all_it_was_given(
    world: World, owner: Person, wiki: Program, session: str
) -> None:
    found = await wiki.tokens(session)
    path = f"/applications/{wiki.id}"
    changed = await world.send(owner, "PATCH", path, json={"name": "Notes"})
    assert changed.json()["name"] == "Notes"
    assert changed.json()["redirect_uris"][0] == BACK
    assert (await world.send(owner, "PATCH", path, json={})).json()["name"] == "Notes"

    assert (await world.send(owner, "DELETE", path)).status_code == 204

    assert (await wiki.userinfo(found["access_token"])).status_code == 401
    assert (await wiki.ask(wiki.request(), session))["outcome"] == "page"
    for method, body in (("DELETE", None), ("PATCH", {"name": "x"}), ("PATCH", {})):
        assert (await world.send(owner, method, path, json=body)).status_code == 404


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/back",
        "javascript:alert(1)",
        "data:text/html,x",
        "app:/back",
        "https://",
        "https://user:pass@app.example/",
        "https://app.example/#fragment",
        "https://*.example/",
        "https://app.example/ x",
        "https://app.exämple/",
        "https://app.example\\@evil.example/",
        "//app.example/",
        "/back",
        "https://app.example:99999/",
        "x" * 501,
    ],
)
async def test_rule_43_addresses_that_no_browser_may_be_sent_to_are_refused(
    world: World, owner: Person, uri: str
) -> None:
    for field in ("redirect_uris", "logout_uris"):
        answer = await world.send(owner, "POST", "/applications", json={**GOOD, field: [uri]})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"].startswith(field)


@pytest.mark.parametrize(
    "change",
    [{"redirect_uris": []}, {"name": ""}, {"signature": "HS256"}, {"unknown": 1}, {"confidential": "yes"}],
)
async def test_bad_input_is_refused(world: World, owner: Person, change: dict[str, Any]) -> None:
    assert (await world.send(owner, "POST", "/applications", json={**GOOD, **change})).status_code == 422


async def test_rule_30_registering_asks_for_a_recent_proof(
    world: World, wiki: Program, owner: Person
) -> None:
    await let_proof_age(world, owner)

    for method, path, body in (
        ("POST", "/applications", GOOD),
        ("PATCH", f"/applications/{wiki.id}", {"name": "x"}),
        ("POST", f"/applications/{wiki.id}/secret", None),
        ("DELETE", f"/applications/{wiki.id}", None),
    ):
        answer = await world.send(owner, method, path, json=body)
        assert answer.status_code == 403
        assert answer.json()["type"] == "/problems/step-up-required"


async def test_the_operator_registers_one_without_signing_in(
    world: World, environment: dict[str, str], session: str
) -> None:
    def invoke(*arguments: str) -> Result:
        app = create_app(settings_of(environment))
        return app.test_cli_runner().invoke(args=["operator", "register-application", *arguments])

    done = await asyncio.to_thread(invoke, "Wiki", "--redirect-uri", BACK, "--rs256", "--json")

    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    wiki = Program(world, made["client_id"], made["client_secret"])
    assert (await wiki.tokens(session))["id_token"]
    shown = await asyncio.to_thread(invoke, "Phone", "--redirect-uri", "com.example.app:/back", "--public")
    assert "client_id: " in shown.stdout
    assert "secret" not in shown.stdout
    for wrong in (("Wiki", "--redirect-uri", "http://app.example/"), ("", "--redirect-uri", BACK)):
        assert (await asyncio.to_thread(invoke, *wrong)).exit_code == 3
    assert (await asyncio.to_thread(invoke, "Wiki")).exit_code == 2

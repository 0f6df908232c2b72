"""What the provider says of itself, and how applications sign people out."""

from __future__ import annotations

from typing import Any

import pytest
from applications_world import AFTER, Program
from users_world import Person, World


async def test_the_discovery_document_says_what_is_offered(world: World) -> None:
    answer = await world.client.get("/.well-known/openid-configuration")
    found = answer.json()

    assert found["issuer"] == "http://localhost:8080"
    assert found["response_types_supported"] == ["code"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["subject_types_supported"] == ["public"]
    assert found["grant_types_supported"] == ["authorization_code", "refresh_token"]
    for name in ("authorization", "token", "userinfo", "end_session", "revocation", "introspection"):
        assert found[f"{name}_endpoint"].startswith("http://localhost:8080/oauth2/")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    same = await world.client.get("/.well-known/oauth-authorization-server")
    assert same.json() == found
    published = await world.client.get("/oauth2/jwks.json")
    assert published.headers["Cache-Control"] == "no-cache", "a new key signs at once"
    keys = published.json()["keys"]
    assert keys
    assert all("d" not in key and "alg" not in key for key in keys)


async def logout(world: World, query: dict[str, str], session: str | None = None) -> dict[str, Any]:
    answer = await world.client.post(
        "/internal/logouts", json={"query": query, "session": session}, headers=world.neighbour()
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_application_signs_somebody_out_by_its_id_token(
    world: World, wiki: Program, session: str
) -> None:
    id_token = (await wiki.tokens(session))["id_token"]
    query = {"id_token_hint": id_token, "post_logout_redirect_uri": AFTER, "state": "s"}

    found = await logout(world, query, session)
    assert found == {"url": f"{AFTER}?state=s", "application": "Wiki", "proved": True, "refused": None}
    others = (await world.begin_session((await world.person()).email))["session"]
    assert (await logout(world, query, others))["proved"] is False, "somebody else is signed in"
    assert (await logout(world, query))["proved"] is False
    assert (await logout(world, {"client_id": wiki.id, "post_logout_redirect_uri": AFTER}, session))[
        "url"
    ] == AFTER
    assert (await logout(world, {}, session)) == {
        "url": None,
        "application": None,
        "proved": False,
        "refused": None,
    }


async def test_rule_35_nobody_is_sent_elsewhere_after_signing_out(
    world: World, wiki: Program, phone: Program, ann: Person, session: str
) -> None:
    tokens = await wiki.tokens(session)
    id_token = tokens["id_token"]
    for query in (
        {"id_token_hint": id_token, "post_logout_redirect_uri": "https://evil.example/"},
        {"id_token_hint": id_token, "post_logout_redirect_uri": AFTER + "/"},
        {"post_logout_redirect_uri": AFTER},
        {"id_token_hint": id_token, "client_id": phone.id, "post_logout_redirect_uri": AFTER},
        {"id_token_hint": "made up"},
        {"id_token_hint": id_token[:-4] + "AAAA"},
        {"id_token_hint": tokens["access_token"]},
        {"id_token_hint": ann.tokens["access_token"]},
        {"id_token_hint": "x" * 3999},
    ):
        found = await logout(world, query, session)
        assert found["refused"], query
        assert found["url"] is None
        assert found["proved"] is False


@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
async def test_endpoints_take_posts_only(world: World, path: str) -> None:
    assert (await world.client.get(f"/oauth2/{path}")).status_code == 405

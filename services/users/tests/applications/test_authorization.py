"""Rule 43: what an application may ask for, where the answer may go, and what the person is asked first."""

from __future__ import annotations

import time
from typing import Any

import pytest
from applications_world import BACK, Program, session_of
from factors_world import let_proof_age
from users_world import Person, World


async def test_somebody_is_asked_once_and_then_signed_in(wiki: Program, session: str) -> None:
    query = wiki.request()

    asked = await wiki.ask(query, session)
    assert asked["outcome"] == "consent"
    assert asked["application"] == "Wiki"
    assert [scope["name"] for scope in asked["scopes"]] == ["openid", "profile", "email"]
    agreed = await wiki.answered(query, session, decision="allow")
    assert agreed["kept"] == "1"
    assert agreed["state"] == query["state"]
    assert agreed["iss"] == "http://localhost:8080"
    assert len(agreed["code"]) == 43
    again = await wiki.answered(wiki.request(), session)
    assert again["code"] != agreed["code"]
    more = await wiki.ask(wiki.request(scope="openid profile email roles"), session)
    assert more["outcome"] == "consent", "more is asked for than was agreed to"
    less = await wiki.answered(wiki.request(scope="openid"), session)
    assert less["code"]


async def test_nothing_is_stored_from_which_a_code_could_be_read(
    world: World, wiki: Program, session: str
) -> None:
    code = (await wiki.answered(wiki.request(), session, decision="allow"))["code"]

    rows = await world.sql.fetch("SELECT * FROM users.authorization_codes")
    assert code not in str([dict(row) for row in rows])
    lives = await world.sql.fetchval(
        "SELECT max(extract(epoch FROM expires_at - now())) FROM users.authorization_codes"
    )
    assert lives <= 600, "rule 43: ten minutes at most"


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/back",
        "https://app.example/back?kept=1&more=1",
        "https://app.example/back?kept=1/",
        "https://app.example/back/../back?kept=1",
        "https://app.example:443/back?kept=1",
        "https://APP.example/back?kept=1",
        "https://evil.example/back?kept=1",
        "https://app.example.evil.example/back?kept=1",
        "https://app.example@evil.example/back?kept=1",
        "http://127.0.0.1:9001/back",
        "javascript:alert(1)",
        "",
        None,
    ],
)
async def test_rule_43_only_the_very_address_that_was_registered_gets_an_answer(
    wiki: Program, session: str, uri: str | None
) -> None:
    step = await wiki.ask(wiki.request(redirect_uri=uri), session, decision="allow")

    assert step["outcome"] == "page"
    assert step["url"] is None


@pytest.mark.parametrize(
    "client_id", ["x", "", None, "0192a000-0000-7000-8000-000000000009", "{%s}", "urn:uuid:%s"]
)
async def test_rule_43_an_unknown_application_gets_a_page_for_the_person(
    wiki: Program, session: str, client_id: str | None
) -> None:
    named = client_id % wiki.id if client_id and "%" in client_id else client_id

    step = await wiki.ask(wiki.request(client_id=named), session)

    assert (step["outcome"], step["url"]) == ("page", None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://x.example"}, "request_uri_not_supported"),
        ({"nonce": "x" * 501}, "invalid_request"),
    ],
    ids=str,
)
async def test_rule_43_what_is_not_offered_is_said_to_the_application(
    wiki: Program, session: str, changes: dict[str, Any], error: str
) -> None:
    query = wiki.request(**changes)

    found = await wiki.answered(query, session, decision="allow")

    assert found["error"] == error
    assert found["state"] == query["state"]
    assert "code" not in found


async def test_whoever_is_not_signed_in_is_asked_to_and_prompt_none_shows_nothing(wiki: Program) -> None:
    for nobody in (None, "no such session"):
        assert (await wiki.ask(wiki.request(), nobody))["outcome"] == "sign-in"
        assert (await wiki.answered(wiki.request(prompt="none"), nobody))["error"] == "login_required"


async def test_prompt_none_signs_in_whoever_has_agreed_before(wiki: Program, session: str) -> None:
    assert (await wiki.answered(wiki.request(prompt="none"), session))["error"] == "consent_required"
    await wiki.answered(wiki.request(), session, decision="allow")

    assert (await wiki.answered(wiki.request(prompt="none"), session))["code"]


async def test_prompt_consent_asks_again(wiki: Program, session: str) -> None:
    await wiki.answered(wiki.request(), session, decision="allow")

    assert (await wiki.ask(wiki.request(prompt="consent"), session))["outcome"] == "consent"


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}])
async def test_prompt_login_asks_for_a_proof_since_the_request(
    wiki: Program, session: str, changes: dict[str, str]
) -> None:
    query = wiki.request(**changes)
    assert (await wiki.ask(query, session))["outcome"] == "confirm"
    later, before = int(time.time()) + 5, int(time.time()) - 60

    assert (await wiki.ask(query, session, asked_at=later))["outcome"] == "confirm"
    assert (await wiki.ask(query, session, asked_at=before))["outcome"] == "consent"


async def test_max_age_asks_for_a_proof_that_is_not_older(
    world: World, wiki: Program, ann: Person, session: str
) -> None:
    assert (await wiki.ask(wiki.request(max_age="300"), session))["outcome"] == "consent"
    await let_proof_age(world, ann, 400)

    assert (await wiki.ask(wiki.request(max_age="300"), session))["outcome"] == "confirm"
    refused = await wiki.answered(wiki.request(max_age="300", prompt="none"), session)
    assert refused["error"] == "login_required"


async def test_somebody_who_says_no_is_not_signed_in(wiki: Program, session: str) -> None:
    found = await wiki.answered(wiki.request(), session, decision="deny")

    assert found["error"] == "access_denied"
    assert (await wiki.ask(wiki.request(), session))["outcome"] == "consent"


async def test_an_owner_without_a_second_proof_is_sent_to_give_one(
    world: World, wiki: Program, owner: Person
) -> None:
    settings = world.app.extensions["vitrine_users"].settings
    session = await session_of(world, owner)
    assert settings.require_factor is False
    assert (await wiki.ask(wiki.request(), session))["outcome"] == "consent"
    object.__setattr__(settings, "require_factor", True)
    try:
        assert (await wiki.ask(wiki.request(), session))["outcome"] == "factor"
        quiet = await wiki.answered(wiki.request(prompt="none"), session)
        assert quiet["error"] == "interaction_required"
    finally:
        object.__setattr__(settings, "require_factor", False)


async def test_whoever_sees_the_shop_as_somebody_else_signs_in_nowhere_as_them(
    world: World, wiki: Program, ann: Person, owner: Person, session: str
) -> None:
    await world.sql.execute(
        "UPDATE users.browser_sessions SET impersonated_by = $1 WHERE account_id = $2", owner.id, ann.id
    )

    assert (await wiki.ask(wiki.request(), session))["outcome"] == "page"


async def test_rule_48_what_a_person_allows_is_in_the_audit_log(
    world: World, wiki: Program, ann: Person, session: str
) -> None:
    await wiki.answered(wiki.request(), session, decision="allow")

    rows = await world.sql.fetch("SELECT action FROM users.audit_log WHERE subject_id = $1", ann.id)
    assert {row["action"] for row in rows} >= {"application.allowed", "application.signed_in"}


async def test_the_answers_address_keeps_its_own_query(wiki: Program, session: str) -> None:
    step = await wiki.ask(wiki.request(redirect_uri="com.example.app:/back"), session, decision="allow")

    assert step["url"].startswith("com.example.app:/back?code=")
    assert BACK.count("?") == 1

"""Rule 42: what an attacker brings back from a provider, or a provider itself says, and why nobody gets in by it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from connections_world import Visitor, some_person
from joserfc.jwk import ECKey
from scripted_provider import CLIENT_SECRET, ScriptedProvider, signed_with_the_public_key, unsigned
from users_world import World
from vitrine_users.housekeeping import go_round


async def came_back(visitor: Visitor, provider: ScriptedProvider, **changes: Any) -> int:
    """Comes back to `here` with an approval, changed so; returns the status."""
    params = provider.approve(await visitor.leave("here"), **some_person())
    return (await visitor.come_back("here", {**params, **changes})).status_code


async def test_rule_42_a_state_is_good_once(visitor: Visitor, here: ScriptedProvider) -> None:
    params = here.approve(await visitor.leave("here"), **some_person())
    assert (await visitor.come_back("here", params)).status_code == 200

    assert (await visitor.come_back("here", params)).status_code == 410
    assert here.asked.count("token") == 1


async def test_rule_42_a_state_of_another_browser_is_refused_and_not_used_up(
    shop: World, here: ScriptedProvider
) -> None:
    """Else a victim could be signed in to the attacker's account (login CSRF)."""
    attacker, victim = Visitor(shop), Visitor(shop)
    await victim.leave("here")
    params = here.approve(await attacker.leave("here"), **some_person())

    assert (await victim.come_back("here", params)).status_code == 410
    assert here.asked.count("token") == 0
    assert (await attacker.come_back("here", params)).status_code == 200


async def test_rule_42_an_invented_or_old_state_is_refused(visitor: Visitor, here: ScriptedProvider) -> None:
    assert await came_back(visitor, here, state="x" * 43) == 410
    params = here.approve(await visitor.leave("here"), **some_person())
    await visitor.world.sql.execute(
        "UPDATE users.provider_visits SET expires_at = now() - interval '1 second'"
    )

    assert (await visitor.come_back("here", params)).status_code == 410


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"aud": "somebody-else"},
        {"aud": ["vitrine", "somebody-else"]},
        {"azp": "somebody-else"},
        {"iss": "https://other.example"},
        {"exp": lambda: int(time.time()) - 120},
        {"iat": lambda: int(time.time()) + 600},
        {"sub": ""},
        {"at_hash": "AAAA"},
    ],
    ids="+".join,
)
async def test_rule_42_an_id_token_that_is_not_for_us_signs_nobody_in(
    visitor: Visitor, here: ScriptedProvider, changes: dict[str, Any]
) -> None:
    now = {name: value() if callable(value) else value for name, value in changes.items()}
    here.change_claims = lambda claims: claims.update(now)

    assert await came_back(visitor, here) == 403


@pytest.mark.parametrize("missing", ["nonce", "aud", "iss", "exp", "iat", "sub"])
async def test_rule_42_an_id_token_without_what_it_must_say_signs_nobody_in(
    visitor: Visitor, here: ScriptedProvider, missing: str
) -> None:
    here.change_claims = lambda claims: claims.pop(missing)

    assert await came_back(visitor, here) == 403


async def test_rule_36_unsigned_and_wrongly_signed_id_tokens_sign_nobody_in(
    visitor: Visitor, here: ScriptedProvider
) -> None:
    other = ECKey.generate_key("P-256", {"kid": "one"})

    def by_another(header: dict[str, Any], claims: dict[str, Any]) -> str:
        from joserfc import jwt

        return jwt.encode(
            {**header, "jwk": other.as_dict(private=False)}, claims, other, algorithms=["ES256"]
        )

    ways: list[Callable[..., str]] = [unsigned, signed_with_the_public_key(here.key), by_another]
    for way in ways:
        here.sign = way
        assert await came_back(visitor, here) == 403


async def test_rule_42_a_code_of_another_provider_is_not_shown_to_this_one(
    shop: World, here: ScriptedProvider, there: ScriptedProvider
) -> None:
    """Mix-up (RFC 9700, section 4.4): the browser comes back to one provider's address with the other's answer."""
    visitor = Visitor(shop)
    params = here.approve(await visitor.leave("here"), **some_person())
    await visitor.leave("there")

    assert (await visitor.come_back("there", params)).status_code == 410, "the state is the other's"
    assert there.asked.count("token") == 0
    stolen = there.approve(await visitor.leave("there"), **some_person())
    assert (await visitor.come_back("there", {**stolen, "iss": here.issuer})).status_code == 403
    assert there.asked.count("token") == 0


async def test_rule_42_an_answer_must_name_its_issuer_where_the_provider_says_that_it_does(
    visitor: Visitor, here: ScriptedProvider
) -> None:
    assert await came_back(visitor, here, iss=None) == 403


async def test_rule_42_an_answer_need_not_name_its_issuer_where_the_provider_does_not(
    visitor: Visitor, here: ScriptedProvider
) -> None:
    here.change_metadata = lambda found: found.pop("authorization_response_iss_parameter_supported")

    assert await came_back(visitor, here, iss=None) == 200
    assert await came_back(visitor, here, iss="https://other.example") == 403


async def test_a_code_of_another_attempt_is_refused_by_the_provider(
    shop: World, here: ScriptedProvider
) -> None:
    """PKCE: a code that was stolen elsewhere and put into one's own visit belongs to another verifier."""
    victim, attacker = Visitor(shop), Visitor(shop)
    stolen = here.approve(await victim.leave("here"), **some_person())
    own = here.approve(await attacker.leave("here"), **some_person())

    assert (await attacker.come_back("here", {**own, "code": stolen["code"]})).status_code == 403


@pytest.mark.parametrize(
    "params", [{"code": None, "error": "access_denied"}, {"code": None}, {"error": "server_error"}]
)
async def test_a_refusal_ends_the_visit(
    visitor: Visitor, here: ScriptedProvider, params: dict[str, Any]
) -> None:
    approved = here.approve(await visitor.leave("here"), **some_person())

    assert (await visitor.come_back("here", {**approved, **params})).status_code == 403
    assert (await visitor.come_back("here", approved)).status_code == 410
    assert here.asked.count("token") == 0


@pytest.mark.parametrize("answer", [{"id_token": None}, {"id_token": 7}, {"access_token": None}])
async def test_an_answer_without_tokens_signs_nobody_in(
    visitor: Visitor, here: ScriptedProvider, answer: dict[str, Any]
) -> None:
    here.change_answer = lambda found: found.update(answer)

    assert await came_back(visitor, here) == 403


async def test_rule_48_refusals_are_in_the_audit_log_and_hold_no_secret(
    visitor: Visitor, here: ScriptedProvider
) -> None:
    here.change_claims = lambda claims: claims.update(nonce="another")
    params = here.approve(await visitor.leave("here"), **some_person())
    await visitor.come_back("here", params)

    row = await visitor.world.sql.fetchrow(
        "SELECT action, outcome, details::text AS details FROM users.audit_log ORDER BY position DESC LIMIT 1"
    )
    assert (row["action"], row["outcome"]) == ("session.refused", "refused")
    assert '"here"' in row["details"]
    assert params["code"] not in row["details"]


async def test_rule_48_no_secret_of_a_visit_is_in_a_log(
    shop: World, here: ScriptedProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    visitor, person = Visitor(shop), some_person()
    url = await visitor.leave("here")
    params = here.approve(url, **person)
    done = (await visitor.come_back("here", params)).json()
    here.change_claims = lambda claims: claims.update(nonce="another")
    await came_back(visitor, here)
    (form, *_) = here.forms
    asked = dict(parse_qsl(urlsplit(url).query))

    secrets = [params["code"], params["state"], asked["nonce"], form["code_verifier"], CLIENT_SECRET]
    secrets += [
        visitor.binding,
        done["begun"]["session"],
        done["begun"]["device"],
        person["email"],
        person["sub"],
    ]
    written = caplog.text
    assert [secret for secret in secrets if secret in written] == []


async def test_visits_that_nobody_came_back_from_are_dropped(visitor: Visitor) -> None:
    await visitor.leave("here")
    await visitor.world.sql.execute("UPDATE users.provider_visits SET expires_at = now()")

    await go_round(visitor.world.app.extensions["vitrine"].database)

    assert await visitor.world.sql.fetchval("SELECT count(*) FROM users.provider_visits") == 0


async def test_unknown_providers_and_malformed_returns_are_refused(visitor: Visitor) -> None:
    assert (await visitor.ask_to_leave("nobody")).status_code == 404
    assert (await visitor.ask_to_leave("here", "other")).status_code == 422
    assert (await visitor.come_back("nobody", {"state": "x", "binding": "y"})).status_code == 404
    assert (await visitor.come_back("here", {"binding": "y"})).status_code == 422
    assert (await visitor.come_back("here", {"binding": "y", "state": "\0"})).status_code == 422

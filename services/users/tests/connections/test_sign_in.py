"""Signing in with a provider: who gets in, as whom, and who does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from connections_world import Visitor, offering, some_person
from factors_world import add_app, code_of, internal
from scripted_provider import ScriptedProvider
from users_world import API, World

MakeWorld = Callable[..., AbstractAsyncContextManager[World]]


async def signed_in(visitor: Visitor, provider: ScriptedProvider, **person: Any) -> dict[str, Any]:
    """Signs in with the provider `here`; returns what came of it."""
    params = provider.approve(await visitor.leave("here"), **person)
    answer = await visitor.come_back("here", params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_rule_42_the_browser_is_sent_with_state_nonce_and_a_challenge(visitor: Visitor) -> None:
    url = await visitor.leave("here", target="/account")
    asked = dict(parse_qsl(urlsplit(url).query))

    assert asked["kept"] == "1"
    assert asked["redirect_uri"] == "http://localhost:8080/sign-in/with/here/callback"
    assert asked["scope"] == "openid email profile"
    assert asked["code_challenge_method"] == "S256"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert all(len(asked[name]) == 43 for name in ("state", "nonce", "code_challenge"))
    again = dict(parse_qsl(urlsplit(await visitor.leave("here")).query))
    assert all(again[name] != asked[name] for name in ("state", "nonce", "code_challenge"))


async def test_nothing_that_is_secret_of_a_visit_is_stored(visitor: Visitor) -> None:
    asked = dict(parse_qsl(urlsplit(await visitor.leave("here")).query))
    rows = await visitor.world.sql.fetch("SELECT * FROM users.provider_visits")

    stored = b" ".join(value for row in rows for value in row.values() if isinstance(value, bytes))
    assert visitor.binding is not None
    for secret in (asked["state"], asked["nonce"], visitor.binding):
        assert secret.encode() not in stored


async def test_somebody_new_gets_an_account_whose_address_is_confirmed(
    visitor: Visitor, here: ScriptedProvider
) -> None:
    person = {**some_person(), "name": " New\u202e  Person ", "locale": "fr-CA"}

    done = await signed_in(visitor, here, **person)

    assert done["purpose"] == "sign-in"
    user = done["begun"]["user"]
    assert user["email"] == person["email"]
    assert user["email_verified"] is True
    assert user["name"] == "New Person"
    assert user["locale"] == "fr"
    assert user["roles"] == ["customer"]
    assert user["has_password"] is False
    assert done["begun"]["device"]
    exchanged = await visitor.world.exchange(done["begun"]["session"])
    assert exchanged.json()["assurance"] == 1
    entries = await visitor.world.sql.fetch(
        "SELECT action, details FROM users.audit_log WHERE subject_id = $1", exchanged_id(exchanged.json())
    )
    assert {row["action"] for row in entries} >= {"account.registered", "session.begun"}


def exchanged_id(exchanged: dict[str, Any]) -> str:
    found: str = exchanged["user"]["id"]
    return found


async def test_rule_42_the_same_person_comes_back_to_the_same_account_whatever_their_address_is_now(
    shop: World, here: ScriptedProvider
) -> None:
    person = some_person()
    first = await signed_in(Visitor(shop), here, **person)

    again = await signed_in(Visitor(shop), here, **{**person, "email": "moved@provider.example"})

    assert again["begun"]["user"]["id"] == first["begun"]["user"]["id"]
    assert again["begun"]["user"]["email"] == person["email"]


async def test_rule_42_the_same_subject_of_another_issuer_is_somebody_else(
    shop: World, here: ScriptedProvider, there: ScriptedProvider
) -> None:
    person, visitor = some_person(), Visitor(shop)
    first = await signed_in(visitor, here, **person)
    other = {**person, "email": some_person()["email"]}

    params = there.approve(await visitor.leave("there"), **other)
    second = (await visitor.come_back("there", params)).json()

    assert second["begun"]["user"]["id"] != first["begun"]["user"]["id"]


async def test_rule_42_an_address_that_has_an_account_joins_nothing(
    shop: World, here: ScriptedProvider
) -> None:
    holder, visitor = await shop.person(), Visitor(shop)
    params = here.approve(
        await visitor.leave("here"), sub="evil", email=holder.email.upper(), email_verified=True
    )

    answer = await visitor.come_back("here", params)

    assert answer.status_code == 403
    assert "Sign in to it as you did before" in answer.json()["detail"]
    assert await shop.sql.fetchval("SELECT count(*) FROM users.connections WHERE subject = 'evil'") == 0


@pytest.mark.parametrize(
    "told", [{}, {"email_verified": False}, {"email_verified": "no"}, {"email_verified": 1}]
)
async def test_rule_13_an_address_nobody_vouches_for_tells_nothing_of_who_has_an_account(
    shop: World, here: ScriptedProvider, told: dict[str, Any]
) -> None:
    holder, visitor = await shop.person(), Visitor(shop)
    answers = []
    for email in (holder.email, shop.some_email()):
        params = here.approve(await visitor.leave("here"), sub=email, email=email, **told)
        answers.append(await visitor.come_back("here", params))

    known, unknown = ({**answer.json(), "request_id": None} for answer in answers)
    assert [answer.status_code for answer in answers] == [403, 403]
    assert known == unknown
    assert "does not vouch" in known["detail"]


@pytest.mark.parametrize("claims", [{"email": "no address"}, {"email": 7}, {"email": "a\0@example.com"}, {}])
async def test_somebody_new_without_an_address_is_told_what_to_do(
    visitor: Visitor, here: ScriptedProvider, claims: dict[str, Any]
) -> None:
    params = here.approve(await visitor.leave("here"), sub="x", **claims, email_verified=True)

    answer = await visitor.come_back("here", params)

    assert answer.status_code == 403
    assert "does not vouch" in answer.json()["detail"]


async def test_an_issuer_that_gives_out_addresses_itself_need_not_say_that_they_are_confirmed(
    make_world: MakeWorld, here: ScriptedProvider
) -> None:
    (setting,) = offering(here=here.issuer)
    person = some_person()
    del person["email_verified"]
    async with make_world(oidc_providers=[{**setting, "vouches_for_email": True}]) as world:
        done = await signed_in(Visitor(world), here, **person)
        assert done["begun"]["user"]["email_verified"] is True
        denied = {**some_person(), "email_verified": False}
        visitor = Visitor(world)
        params = here.approve(await visitor.leave("here"), **denied)
        assert (await visitor.come_back("here", params)).status_code == 403


async def test_claims_that_are_not_in_the_token_are_asked_for(
    visitor: Visitor, here: ScriptedProvider
) -> None:
    person = some_person()
    here.userinfo = person

    done = await signed_in(visitor, here, sub=person["sub"])

    assert done["begun"]["user"]["email"] == person["email"]
    assert here.asked.count("userinfo") == 1


async def test_claims_about_somebody_else_are_refused(visitor: Visitor, here: ScriptedProvider) -> None:
    here.userinfo = some_person()
    params = here.approve(await visitor.leave("here"), sub="another")

    assert (await visitor.come_back("here", params)).status_code == 403


@pytest.mark.parametrize("registration", ["invite", "closed"])
async def test_a_shop_that_is_not_open_takes_only_those_who_were_invited(
    make_world: MakeWorld, here: ScriptedProvider, registration: str
) -> None:
    async with make_world(registration=registration, oidc_providers=offering(here=here.issuer)) as world:
        owner_id = await world.sql.fetchval(
            "INSERT INTO users.accounts (id, email, email_key, name, email_verified_at)"
            " VALUES (gen_random_uuid(), $1, $1, 'Olive', now()) RETURNING id",
            world.some_email(),
        )
        await world.give(owner_id, "owner")
        stranger, invited, visitor = some_person(), some_person(), Visitor(world)
        await world.sql.execute(
            "INSERT INTO users.invitations (id, email, email_key, role_names, digest, invited_by, expires_at)"
            " VALUES (gen_random_uuid(), $1, $1, '{editor}', $2, $3, now() + interval '1 hour')",
            invited["email"],
            invited["sub"].encode(),
            owner_id,
        )

        refused = await visitor.come_back("here", here.approve(await visitor.leave("here"), **stranger))
        assert refused.status_code == 403
        assert refused.json()["registration"] == registration
        unsure = {**invited, "email_verified": False}
        assert (
            await visitor.come_back("here", here.approve(await visitor.leave("here"), **unsure))
        ).status_code == 403
        done = await signed_in(visitor, here, **invited)

    assert done["begun"]["user"]["roles"] == ["editor"]


async def test_rule_18_an_account_with_a_second_factor_is_asked_for_it(
    shop: World, here: ScriptedProvider
) -> None:
    person = await connected_person(shop, here, "sub-with-app")
    secret = await add_app(shop, person)

    done = await signed_in(Visitor(shop), here, sub="sub-with-app")

    assert done["begun"] is None
    assert done["pending"]["methods"] == ["totp"]
    finished = await internal(
        shop,
        "sessions/second-step",
        challenge=done["pending"]["challenge"],
        method="totp",
        code=code_of(secret),
        address=shop.some_address(),
    )
    assert finished.status_code == 201, finished.text
    exchanged = (await shop.exchange(finished.json()["session"])).json()
    assert exchanged["assurance"] == 2
    method = await shop.sql.fetchval(
        "SELECT method FROM users.browser_sessions WHERE account_id = $1 ORDER BY id DESC LIMIT 1", person.id
    )
    assert method == "provider"


async def test_an_owner_who_comes_by_a_provider_alone_may_nothing_until_the_second_proof(
    make_world: MakeWorld, here: ScriptedProvider
) -> None:
    async with make_world(require_factor=True, oidc_providers=offering(here=here.issuer)) as world:
        visitor, claims = Visitor(world), some_person()
        done = await signed_in(visitor, here, **claims)
        await world.give(done["begun"]["user"]["id"], "owner")

        again = await signed_in(Visitor(world), here, **claims)

        assert again["begun"]["user"]["roles"] == ["owner"]
        assert again["begun"]["user"]["permissions"] == []
        exchanged = (await world.exchange(again["begun"]["session"])).json()
        assert exchanged["factor_missing"] is True


async def test_somebody_suspended_does_not_get_in(shop: World, here: ScriptedProvider) -> None:
    claims = some_person()
    done = await signed_in(Visitor(shop), here, **claims)
    await shop.sql.execute(
        "UPDATE users.accounts SET suspended_at = now() WHERE email = $1", done["begun"]["user"]["email"]
    )
    visitor = Visitor(shop)

    answer = await visitor.come_back("here", here.approve(await visitor.leave("here"), **claims))

    assert answer.status_code == 403
    assert "suspended" in answer.json()["detail"]


async def test_a_new_device_is_told_of(shop: World, here: ScriptedProvider) -> None:
    claims = some_person()
    await signed_in(Visitor(shop), here, **claims)
    await signed_in(Visitor(shop), here, **claims)

    assert "new-sign-in" in [mail["template"] for mail in await shop.mails_to(claims["email"])]


async def test_rule_46_of_fifty_returns_at_once_exactly_one_gets_in(
    visitor: Visitor, here: ScriptedProvider
) -> None:
    params = here.approve(await visitor.leave("here"), **some_person())

    answers = await asyncio.gather(*(visitor.come_back("here", params) for _ in range(50)))

    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 49
    assert here.asked.count("token") == 1


async def test_two_tabs_of_one_browser_can_be_away_at_once(visitor: Visitor, here: ScriptedProvider) -> None:
    person = some_person()
    first, second = await visitor.leave("here", target="/one"), await visitor.leave("here", target="/two")

    for url, target in ((first, "/one"), (second, "/two")):
        answer = await visitor.come_back("here", here.approve(url, **person))
        assert answer.json()["target"] == target


async def test_who_the_shop_offers_is_public_and_holds_no_secret(shop: World) -> None:
    answer = await shop.client.get(f"{API}/providers")

    assert answer.json() == {"items": [{"slug": "here", "name": "Here"}, {"slug": "there", "name": "There"}]}


async def connected_person(shop: World, provider: ScriptedProvider, subject: str) -> Any:
    """Somebody with a password, connected to an account at the provider."""
    person = await shop.person()
    await shop.sql.execute(
        "INSERT INTO users.connections (id, account_id, issuer, subject, label)"
        " VALUES (gen_random_uuid(), $1, $2, $3, '')",
        person.id,
        provider.issuer,
        subject,
    )
    return person

"""Connecting an account elsewhere with proof of both, confirming by it, and taking it away again."""

from __future__ import annotations

from typing import Any

from connections_world import Visitor, some_person
from factors_world import let_proof_age, mails_of
from scripted_provider import ScriptedProvider
from users_world import Person, World


async def browser_of(shop: World, person: Person) -> Visitor:
    return Visitor(shop, session=(await shop.begin_session(person.email))["session"])


async def connections_of(shop: World, person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await shop.get(person, "/me/connections")).json()["items"]
    return found


async def test_an_account_is_connected_by_somebody_who_has_proved_both(
    shop: World, here: ScriptedProvider
) -> None:
    person, claims = await shop.person(), some_person()
    visitor = await browser_of(shop, person)

    params = here.approve(await visitor.leave("here", "connect"), **claims)
    done = await visitor.come_back("here", params)

    assert done.status_code == 200, done.text
    assert done.json()["begun"] is None
    (connection,) = await connections_of(shop, person)
    assert (connection["provider"], connection["slug"], connection["label"]) == (
        "Here",
        "here",
        claims["email"],
    )
    assert "factor-added" in await mails_of(shop, person)
    other = Visitor(shop)
    signed_in = await other.come_back("here", here.approve(await other.leave("here"), **claims))
    assert signed_in.json()["begun"]["user"]["id"] == str(person.id)
    again = here.approve(await visitor.leave("here", "connect"), **claims)
    assert (await visitor.come_back("here", again)).status_code == 200, "twice does no harm"


async def test_rule_30_connecting_asks_for_a_recent_proof(shop: World, here: ScriptedProvider) -> None:
    person = await shop.person()
    visitor = await browser_of(shop, person)
    await let_proof_age(shop, person)

    answer = await visitor.ask_to_leave("here", "connect")

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/step-up-required"
    assert answer.json()["methods"] == ["password"]


async def test_connecting_is_for_whoever_was_sent_and_is_still_signed_in(
    shop: World, here: ScriptedProvider
) -> None:
    person, other = await shop.person(), await shop.person()
    visitor, attacker = await browser_of(shop, person), await browser_of(shop, other)
    params = here.approve(await visitor.leave("here", "connect"), **some_person())

    assert (await visitor.come_back("here", params, session=attacker.session)).status_code == 410
    assert (await Visitor(shop).ask_to_leave("here", "connect")).status_code == 401
    params = here.approve(await visitor.leave("here", "connect"), **some_person())
    assert (await visitor.come_back("here", params, session=None)).status_code == 401
    assert await connections_of(shop, person) == await connections_of(shop, other) == []


async def test_an_account_elsewhere_signs_in_to_one_account_only(shop: World, here: ScriptedProvider) -> None:
    claims, first, second = some_person(), await shop.person(), await shop.person()
    for person, status in ((first, 200), (second, 409)):
        visitor = await browser_of(shop, person)
        params = here.approve(await visitor.leave("here", "connect"), **claims)
        assert (await visitor.come_back("here", params)).status_code == status

    assert await connections_of(shop, second) == []


async def test_an_owner_who_sees_the_shop_as_somebody_else_connects_nothing(
    shop: World, here: ScriptedProvider
) -> None:
    person, owner = await shop.person(), await shop.person("owner")
    visitor = await browser_of(shop, person)
    await shop.sql.execute(
        "UPDATE users.browser_sessions SET impersonated_by = $1 WHERE account_id = $2", owner.id, person.id
    )

    assert (await visitor.ask_to_leave("here", "connect")).status_code == 403


async def test_a_connection_is_taken_away_and_signs_in_no_more(shop: World, here: ScriptedProvider) -> None:
    person, claims = await shop.person(), some_person()
    visitor = await browser_of(shop, person)
    await visitor.come_back("here", here.approve(await visitor.leave("here", "connect"), **claims))
    (connection,) = await connections_of(shop, person)

    answer = await shop.send(person, "DELETE", f"/me/connections/{connection['id']}")

    assert answer.status_code == 204, answer.text
    assert await connections_of(shop, person) == []
    assert "factor-removed" in await mails_of(shop, person)
    stranger = Visitor(shop)
    done = await stranger.come_back("here", here.approve(await stranger.leave("here"), **claims))
    assert done.json()["begun"]["user"]["id"] != str(person.id)
    assert (await shop.send(person, "DELETE", f"/me/connections/{connection['id']}")).status_code == 404


async def test_rule_30_taking_a_connection_away_asks_for_a_recent_proof(
    shop: World, here: ScriptedProvider
) -> None:
    person = await shop.person()
    visitor = await browser_of(shop, person)
    await visitor.come_back("here", here.approve(await visitor.leave("here", "connect"), **some_person()))
    (connection,) = await connections_of(shop, person)
    await let_proof_age(shop, person)

    assert (await shop.send(person, "DELETE", f"/me/connections/{connection['id']}")).status_code == 403


async def test_the_last_way_to_sign_in_stays(
    shop: World, here: ScriptedProvider, there: ScriptedProvider
) -> None:
    person, visitor = some_person(), Visitor(shop)
    done = (await visitor.come_back("here", here.approve(await visitor.leave("here"), **person))).json()
    visitor.session = done["begun"]["session"]
    token = (await shop.exchange(visitor.session)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "X-Real-IP": visitor.address}
    (first,) = (await shop.client.get("/api/users/v1/me/connections", headers=headers)).json()["items"]
    path = f"/api/users/v1/me/connections/{first['id']}"

    refused = await shop.client.delete(path, headers=headers)
    assert refused.status_code == 409
    assert "only way" in refused.json()["detail"]
    await shop.sql.execute(
        "UPDATE users.connections SET issuer = 'https://gone.example' WHERE id = $1", first["id"]
    )
    params = there.approve(await visitor.leave("there", "connect"), **some_person())
    assert (await visitor.come_back("there", params)).status_code == 200
    listed = (await shop.client.get("/api/users/v1/me/connections", headers=headers)).json()["items"]
    assert [(one["provider"], one["slug"]) for one in listed] == [
        ("https://gone.example", None),
        ("There", "there"),
    ]
    used = f"/api/users/v1/me/connections/{listed[1]['id']}"
    assert (await shop.client.delete(used, headers=headers)).status_code == 409, (
        "the other one signs nobody in"
    )
    assert (await shop.client.delete(path, headers=headers)).status_code == 204


async def test_rule_25_somebody_without_a_password_confirms_by_the_provider(
    shop: World, here: ScriptedProvider
) -> None:
    claims, visitor = some_person(), Visitor(shop)
    done = (await visitor.come_back("here", here.approve(await visitor.leave("here"), **claims))).json()
    old = visitor.session = done["begun"]["session"]
    await shop.sql.execute("UPDATE users.browser_sessions SET authenticated_at = now() - interval '1 hour'")
    stale = await visitor.ask_to_leave("here", "connect")
    assert stale.json()["methods"] == ["provider"]

    url = await visitor.leave("here", "confirm", target="/account/security")
    assert "prompt=login" in url
    assert "max_age=0" in url
    confirmed = await visitor.come_back("here", here.approve(url, **claims))

    assert confirmed.status_code == 200, confirmed.text
    assert (await shop.exchange(old)).status_code == 401
    visitor.session = confirmed.json()["begun"]["session"]
    assert (await visitor.ask_to_leave("here", "connect")).status_code == 201


async def test_rule_30_a_provider_that_did_not_ask_again_confirms_nothing(
    shop: World, here: ScriptedProvider
) -> None:
    claims, visitor = some_person(), Visitor(shop)
    done = (await visitor.come_back("here", here.approve(await visitor.leave("here"), **claims))).json()
    visitor.session = done["begun"]["session"]
    for changes in ({"auth_time": done and 1}, {"auth_time": None}):
        params = here.approve(await visitor.leave("here", "confirm"), **claims, **changes)
        assert (await visitor.come_back("here", params)).status_code == 403


async def test_another_account_at_the_provider_confirms_nothing(shop: World, here: ScriptedProvider) -> None:
    visitor = Visitor(shop)
    done = (
        await visitor.come_back("here", here.approve(await visitor.leave("here"), **some_person()))
    ).json()
    visitor.session = done["begun"]["session"]

    params = here.approve(await visitor.leave("here", "confirm"), **some_person())

    assert (await visitor.come_back("here", params)).status_code == 403
    assert (await shop.exchange(visitor.session)).status_code == 200


async def test_a_connection_is_in_the_export_and_goes_with_the_account(
    shop: World, here: ScriptedProvider
) -> None:
    person, claims = await shop.person(), some_person()
    visitor = await browser_of(shop, person)
    await visitor.come_back("here", here.approve(await visitor.leave("here", "connect"), **claims))

    exported = await shop.get(person, "/me/export")
    assert exported.status_code == 200
    assert b"connections.json" in exported.content
    await shop.send(person, "DELETE", "/me", json={"password": person.password})
    await shop.sql.execute("DELETE FROM users.accounts WHERE id = $1", person.id)
    assert (
        await shop.sql.fetchval("SELECT count(*) FROM users.connections WHERE subject = $1", claims["sub"])
        == 0
    )

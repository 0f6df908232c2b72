"""The list of sign-ins: what it shows, and that what was ended is refused at the next request."""

from __future__ import annotations

from users_world import Person, World


async def test_rule_29_a_person_sees_and_ends_their_sign_ins(world: World) -> None:
    person = await world.person()
    browser = await world.begin_session(person.email)

    items = (await world.get(person, "/me/sessions")).json()["items"]

    assert {(item["kind"], item["current"]) for item in items} == {("api", True), ("browser", False)}
    (other,) = (item for item in items if not item["current"])
    assert other["user_agent"] == "tests"
    assert other["address"].count(".") == 3
    assert (await world.send(person, "DELETE", f"/me/sessions/{other['id']}")).status_code == 204
    assert (await world.exchange(browser["session"])).status_code == 401
    assert (await world.get(person, "/me")).status_code == 200
    assert (await world.send(person, "DELETE", f"/me/sessions/{other['id']}")).status_code == 404


async def test_rule_29_signing_out_elsewhere_and_everywhere(world: World) -> None:
    person = await world.person()
    browser = await world.begin_session(person.email)
    second = (await world.sign_in(person.email)).json()

    assert (await world.send(person, "DELETE", "/me/sessions")).status_code == 204

    assert (await world.exchange(browser["session"])).status_code == 401
    assert (await world.refresh(second["refresh_token"])).status_code == 401
    assert (await world.get(person, "/me")).status_code == 200
    assert (await world.send(person, "DELETE", "/me/sessions?everywhere=true")).status_code == 204
    assert (await world.get(person, "/me")).status_code == 401


async def test_rule_28_a_sign_in_ended_from_the_list_is_refused_at_the_next_request(world: World) -> None:
    first = await world.person()
    other = (await world.sign_in(first.email)).json()
    second = Person(first.id, first.email, first.name, first.password, other, first.address)
    items = (await world.get(first, "/me/sessions")).json()["items"]
    mine = next(item["id"] for item in items if item["current"])

    assert (await world.send(second, "DELETE", f"/me/sessions/{mine}")).status_code == 204

    assert (await world.get(first, "/me")).status_code == 401
    bearer = {"Authorization": f"Bearer {first.tokens['access_token']}"}
    assert (await world.client.get("/edge/identity", headers=bearer)).status_code == 401
    assert (await world.refresh(first.tokens["refresh_token"])).status_code == 401


async def test_rule_29_staff_sees_and_ends_the_sign_ins_of_others(world: World) -> None:
    admin, person = await world.person("admin"), await world.person()
    browser = await world.begin_session(person.email)
    items = (await world.get(admin, f"/users/{person.id}/sessions")).json()["items"]
    assert len(items) == 2
    assert not any(item["current"] for item in items)
    session_id = next(item["id"] for item in items if item["kind"] == "browser")

    assert (await world.send(admin, "DELETE", f"/users/{person.id}/sessions/{session_id}")).status_code == 204
    assert (await world.exchange(browser["session"])).status_code == 401
    assert (await world.get(person, "/me")).status_code == 200
    assert (await world.send(admin, "DELETE", f"/users/{person.id}/sessions")).status_code == 204
    assert (await world.get(person, "/me")).status_code == 401


async def test_nobody_ends_the_sign_in_of_somebody_else_or_of_somebody_above(
    world: World, owner: Person
) -> None:
    admin, person = await world.person("admin"), await world.person()
    theirs = (await world.get(person, "/me/sessions")).json()["items"][0]["id"]
    above = (await world.get(owner, "/me/sessions")).json()["items"][0]["id"]

    assert (await world.send(admin, "DELETE", f"/me/sessions/{theirs}")).status_code == 404
    assert (await world.send(admin, "DELETE", f"/users/{owner.id}/sessions/{above}")).status_code == 403
    assert (await world.send(admin, "DELETE", f"/users/{owner.id}/sessions")).status_code == 403
    assert (await world.send(admin, "DELETE", f"/users/{admin.id}/sessions/{theirs}")).status_code == 404
    assert (await world.get(person, "/me")).status_code == 200


async def test_what_has_ended_is_purged_and_what_lives_is_not(world: World) -> None:
    from vitrine_users.housekeeping import go_round

    person, gone = await world.person(), await world.person()
    await world.begin_session(gone.email)
    for table in ("browser_sessions", "refresh_families"):
        await world.sql.execute(
            f"UPDATE users.{table} SET expires_at = now() - interval '1 s' WHERE account_id = $1",
            gone.id,
        )

    with world.app.app_context():
        await go_round(world.app.extensions["vitrine"].database)

    for table in ("browser_sessions", "refresh_families"):
        count = f"SELECT count(*) FROM users.{table} WHERE account_id = $1"
        assert await world.sql.fetchval(count, gone.id) == 0
    assert (await world.get(person, "/me")).status_code == 200

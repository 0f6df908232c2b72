"""Names of people in batches."""

from __future__ import annotations

from uuid import uuid4

from users_world import World


async def test_one_answer_names_all_who_exist(world: World) -> None:
    ann, bea = await world.person(name="Ann Batch"), await world.person(name="Bea Batch")
    ids = [str(ann.id), str(uuid4()), str(bea.id), str(ann.id)]

    answer = await world.client.post(
        "/internal/people", json={"ids": ids}, headers=world.neighbour("catalog")
    )

    assert answer.status_code == 200
    assert sorted(answer.json()["people"], key=lambda person: person["name"]) == [
        {"id": str(ann.id), "name": "Ann Batch"},
        {"id": str(bea.id), "name": "Bea Batch"},
    ]


async def test_nobody_is_asked_for_and_nobody_named(world: World) -> None:
    answer = await world.client.post("/internal/people", json={"ids": []}, headers=world.neighbour("catalog"))

    assert answer.json() == {"people": []}


async def test_five_hundred_are_a_batch_and_one_more_is_not(world: World) -> None:
    ids = [str(uuid4()) for _ in range(501)]

    enough = await world.client.post("/internal/people", json={"ids": ids[:500]}, headers=world.neighbour())
    too_many = await world.client.post("/internal/people", json={"ids": ids}, headers=world.neighbour())

    assert enough.status_code == 200
    assert too_many.status_code == 422
    assert too_many.json()["errors"][0]["field"] == "ids"


async def test_an_erased_person_has_no_name_any_more(world: World) -> None:
    person = await world.person()
    await world.send(person, "DELETE", "/me", json={"password": person.password})

    answer = await world.client.post(
        "/internal/people", json={"ids": [str(person.id)]}, headers=world.neighbour()
    )

    assert answer.json() == {"people": []}

"""No generated request, whoever sends it, gets a 5xx or an answer that is not in the OpenAPI document.

VITRINE_TEST_CASES says how many are sent, and another VITRINE_TEST_START makes others; what was sent and how it was
answered is printed at the end of the run.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from users_world import living
from vitrine_kit.testing import Keys, ServiceDatabase, service_environment

if TYPE_CHECKING:
    from generated_cases import Explorer

CASES = int(os.environ.get("VITRINE_TEST_CASES", "250"))
START = int(os.environ.get("VITRINE_TEST_START", "7"))
CASES_A_DATABASE = 10_000
"""What has to read all there is, such as the audit log's export, stays quick."""
LEAST_SUCCESS = 0.05
"""Of each asker's requests at least this part is to succeed: what is always turned away at the door shows nothing."""
MOST_UNKNOWN = 0.45
"""And no more than this part may meet `sign in first`."""
LIMITS = {"registration_burst": 3, "mail_burst": 2, "sign_in_burst": 2}
"""Limits that are met soon."""

Databases = Callable[[], AbstractAsyncContextManager[ServiceDatabase]]
Record = Callable[[str, object], None]


@asynccontextmanager
async def exploring(
    make_database: Databases, keys: Keys, explorer: Explorer | None = None, **changes: Any
) -> AsyncIterator[Explorer]:
    """What generates requests and judges answers, in a service of its own with these settings changed."""
    # Imported here: it takes seconds, and few processes run this.
    from generated_cases import Explorer

    async with make_database() as database:
        environment = service_environment("users", keys, database)
        sql = await asyncpg.connect(database.admin_url)
        try:
            async with living(environment, sql, keys, require_factor=True, **changes) as world:
                if explorer is None:
                    document = (await world.client.get("/api/users/openapi.json")).json()
                    explorer = Explorer(world, document, start=START)
                else:
                    explorer.enter(world)
                yield explorer
        finally:
            await sql.close()


async def test_no_generated_request_gets_an_answer_outside_the_document(
    make_database: Databases, keys: Keys, record_property: Record
) -> None:
    explorer = None
    for sent in range(0, CASES, CASES_A_DATABASE):
        cases = min(CASES_A_DATABASE, CASES - sent)
        async with exploring(make_database, keys, explorer) as explorer:
            await explorer.by_hypothesis(cases - cases * 3 // 10)
            await explorer.by_schemathesis(cases * 3 // 10)

    assert explorer is not None
    tally = explorer.tally
    for line in tally.lines():
        record_property("generated", line)
    assert not tally.failures, "\n\n".join(tally.failures.values())
    assert tally.total() >= CASES
    for asker in explorer.askers:
        shares = tally.shares(asker.name)
        assert shares.get("2xx", 0) >= LEAST_SUCCESS, f"{asker.name}: {shares}"
        assert shares.get("401", 0) <= MOST_UNKNOWN, f"{asker.name}: {shares}"


async def test_nor_while_one_address_meets_the_limits(
    make_database: Databases, keys: Keys, record_property: Record
) -> None:
    async with exploring(make_database, keys, **LIMITS) as explorer:
        explorer.address = "192.0.2.77"
        explorer.askers = [asker for asker in explorer.askers if asker.name == "anonymous"]
        explorer.operations = [
            each
            for each in explorer.operations
            if not each.definition.raw["security"] and each.method == "post"
        ]
        await explorer.by_hypothesis(max(250, CASES // 100))

    tally = explorer.tally
    for line in tally.lines():
        record_property("generated", f"limits on: {line}")
    assert not tally.failures, "\n\n".join(tally.failures.values())
    assert tally.shares("anonymous").get("429", 0) > 0

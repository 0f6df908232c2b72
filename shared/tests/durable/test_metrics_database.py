"""What a service with a database adds to its metrics: its pools and the age of its outbox."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from vitrine_kit import events
from vitrine_kit.db import Database
from vitrine_kit.testing import serving


async def scrape(client: Any) -> dict[str, float]:
    families = text_string_to_metric_families((await client.get("/metrics")).text)
    return {
        "/".join([s.name, s.labels.get("pool", "")]): s.value for family in families for s in family.samples
    }


async def test_the_outbox_s_lag_and_the_pools_are_shown(make_app: Any, database: Database) -> None:
    async with serving(make_app()) as client:
        assert (await scrape(client))["vitrine_outbox_lag_seconds/"] == 0
        async with database.transaction() as session:
            await events.emit(session, topic="note.added", aggregate_id="one")
            await session.execute(text("UPDATE ledger.outbox SET occurred_at = now() - interval '90 s'"))
            assert (await scrape(client))["vitrine_pool_checked_out/write"] == 1
        found = await scrape(client)
    assert 90 <= found["vitrine_outbox_lag_seconds/"] < 100
    assert found["vitrine_pool_checked_out/write"] == 0


async def test_metrics_are_shown_though_the_database_is_away(make_app: Any, database: Database) -> None:
    app = make_app()
    unreachable = database.settings.model_copy(
        update={"database_url": type(database.settings.secret_key)("postgresql://x:y@127.0.0.1:1/x")}
    )
    app.extensions["vitrine"].database = Database(unreachable, database.metadata)
    async with serving(app) as client:
        found = await scrape(client)
    assert "vitrine_outbox_lag_seconds/" not in found
    assert found["vitrine_pool_checked_out/read"] == 0

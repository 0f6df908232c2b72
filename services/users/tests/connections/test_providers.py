"""Providers that are away, change their keys, or say strange things: what is asked of them, and how often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from connections_world import Visitor, offering, some_person
from joserfc.jwk import ECKey
from pydantic import ValidationError
from scripted_provider import ScriptedProvider
from users_world import World, settings_of
from vitrine_users.connections.settings import ProviderSettings

MakeWorld = Callable[..., AbstractAsyncContextManager[World]]
GOOD = {
    "slug": "a",
    "name": "A",
    "issuer": "https://a.example",
    "client_id": "c",
    "client_secret": "a canary secret",
}


async def test_the_document_and_the_keys_are_read_once(visitor: Visitor, here: ScriptedProvider) -> None:
    for _ in range(3):
        params = here.approve(await visitor.leave("here"), **some_person())
        assert (await visitor.come_back("here", params)).status_code == 200

    assert here.asked.count("metadata") == here.asked.count("jwks") == 1


async def test_a_new_key_is_found_and_invented_ones_ask_no_flood(
    visitor: Visitor, here: ScriptedProvider
) -> None:
    params = here.approve(await visitor.leave("here"), **some_person())
    assert (await visitor.come_back("here", params)).status_code == 200
    provider = visitor.world.app.extensions["vitrine_users"].providers.get("here")
    provider._known.keys_s -= 11
    here.key = ECKey.generate_key("P-256", {"kid": "two"})
    here.change_header = lambda header: header.update(kid="two")

    params = here.approve(await visitor.leave("here"), **some_person())
    assert (await visitor.come_back("here", params)).status_code == 200
    assert here.asked.count("jwks") == 2
    here.change_header = lambda header: header.update(kid="invented")
    for _ in range(3):
        params = here.approve(await visitor.leave("here"), **some_person())
        assert (await visitor.come_back("here", params)).status_code == 403
    assert here.asked.count("jwks") == 2


async def test_a_provider_that_is_away_is_said_to_be_and_passwords_still_work(
    shop: World, here: ScriptedProvider
) -> None:
    here.failing = True
    visitor = Visitor(shop)

    answer = await visitor.ask_to_leave("here")

    assert answer.status_code == 424
    assert "Here cannot be reached right now" in answer.json()["detail"]
    assert (await shop.begin_session((await shop.person()).email))["session"]
    here.failing = False
    params = here.approve(await visitor.leave("here"), **some_person())
    here.failing = True
    assert (await visitor.come_back("here", params)).status_code == 424


async def test_a_provider_that_does_not_listen_or_does_not_answer_takes_a_bounded_time(
    make_world: MakeWorld,
) -> None:
    hanging: list[asyncio.StreamWriter] = []

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hanging.append(writer)

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    issuers = {"closed": "http://127.0.0.1:1", "hanging": f"http://127.0.0.1:{port}"}
    async with make_world(oidc_providers=offering(**issuers), oidc_timeout_s=0.5) as world:
        for slug in issuers:
            begun_s = time.monotonic()
            assert (await Visitor(world).ask_to_leave(slug)).status_code == 424
            assert time.monotonic() - begun_s < 2
    for writer in hanging:
        writer.close()
    server.close()


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://other.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": "ftp://x.example/"},
        {"jwks_uri": "https://user:pass@x.example/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://"},
        {"userinfo_endpoint": 7},
        {"padding": "x" * 600_000},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_document_that_cannot_be_used_is_as_none(
    visitor: Visitor, here: ScriptedProvider, change: dict[str, Any]
) -> None:
    here.change_metadata = lambda found: found.update(change)

    assert (await visitor.ask_to_leave("here")).status_code == 424


async def test_what_was_read_serves_while_the_provider_cannot_be_asked(
    visitor: Visitor, here: ScriptedProvider
) -> None:
    await visitor.leave("here")
    provider = visitor.world.app.extensions["vitrine_users"].providers.get("here")
    provider._known.endpoints_s -= 4000
    here.failing = True
    await visitor.leave("here")
    provider._known.endpoints_s -= 90_000
    assert (await visitor.ask_to_leave("here")).status_code == 424


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://a.example"},
        {"issuer": "https://a.example?x"},
        {"issuer": "https://u@a.example"},
        {"issuer": "nonsense"},
        {"slug": "A b"},
        {"slug": "../x"},
        {"name": ""},
        {"algorithms": ["none"]},
        {"algorithms": ["HS256"]},
        {"algorithms": []},
        {"scopes": ["email"]},
        {"client_secret": ""},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_setting_that_could_not_work_is_refused_at_the_start(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ProviderSettings(**{**GOOD, **change})


def test_a_secret_may_come_from_a_file(tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    without = {name: value for name, value in GOOD.items() if name != "client_secret"}

    assert ProviderSettings(**without, client_secret_file=tmp_path / "secret").secret == "from the file"
    assert ProviderSettings(**without).secret is None
    with pytest.raises(ValidationError, match="not both"):
        ProviderSettings(**GOOD, client_secret_file=tmp_path / "secret")


def test_providers_come_as_json_and_are_told_apart(environment: dict[str, str]) -> None:
    import json

    found = settings_of(environment, oidc_providers=json.dumps([GOOD]))
    assert found.oidc_providers[0].issuer == "https://a.example"
    assert "a canary secret" not in repr(found)
    for wrong in (
        "{" + json.dumps(GOOD),
        json.dumps([GOOD, {**GOOD, "slug": "b"}]),
        json.dumps([GOOD, {**GOOD, "issuer": "https://b"}]),
    ):
        with pytest.raises(ValidationError) as refused:
            settings_of(environment, oidc_providers=wrong)
        assert "a canary secret" not in str(refused.value)


async def test_a_secret_in_the_form_and_no_secret_at_all(
    make_world: MakeWorld, here: ScriptedProvider
) -> None:
    (setting,) = offering(here=here.issuer)
    async with make_world(
        oidc_providers=[{**setting, "token_endpoint_auth_method": "client_secret_post"}]
    ) as world:
        visitor = Visitor(world)
        params = here.approve(await visitor.leave("here"), **some_person())
        assert (await visitor.come_back("here", params)).status_code == 200
        assert here.forms[-1]["client_secret"] == setting["client_secret"]
    async with make_world(oidc_providers=[{**setting, "client_secret": None}]) as world:
        visitor = Visitor(world)
        params = here.approve(await visitor.leave("here"), **some_person())
        assert (await visitor.come_back("here", params)).status_code == 403, "this client has a secret"
        assert "client_secret" not in here.forms[-1]

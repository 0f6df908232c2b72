"""Access tokens handed out again: as long as half of their life is left and they say the same, and no longer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from joserfc import jws
from users_world import World, settings_of
from vitrine_kit.testing import Keys, service_environment, serving
from vitrine_users import create_app
from vitrine_users.tokens import keyring, minting
from vitrine_users.tokens.minting import Mint, Minted

ACCOUNT, SESSION = UUID(int=1), UUID(int=2)
PROVED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MintOne = Callable[..., Awaitable[Minted]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The mint's clock: `clock.now` seconds."""
    found = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(minting, "time", SimpleNamespace(monotonic=lambda: found.now))
    return found


@pytest.fixture
def mint(world: World, clock: SimpleNamespace) -> MintOne:
    """Asks a mint whose tokens live 600 s for one, with these claims changed."""
    made = Mint(world.app.extensions["vitrine_users"].keyring, 600)

    async def ask(**changes: Any) -> Minted:
        claims: dict[str, Any] = {
            "account_id": ACCOUNT,
            "session_id": SESSION,
            "name": "Ada",
            "roles": ["editor"],
            "permissions": ["catalog:write"],
            "left_s": 86400.0,
        }
        return await made.token(**{**claims, **changes})

    return ask


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(jws.extract_compact(token.encode()).payload)
    return found


async def test_a_token_says_what_it_was_asked_to(mint: MintOne) -> None:
    minted = await mint(authenticated_at=PROVED_AT, assurance=2)

    claims = claims_of(minted.token)
    assert minted.expires_in_s == claims["exp"] - claims["iat"] == 600
    assert (claims["sub"], claims["sid"], claims["name"]) == (str(ACCOUNT), str(SESSION), "Ada")
    assert (claims["roles"], claims["perms"]) == (["editor"], ["catalog:write"])
    assert (claims["auth_time"], claims["aal"]) == (int(PROVED_AT.timestamp()), 2)
    plain = claims_of((await mint()).token)
    assert plain["aal"] == 1
    assert "auth_time" not in plain


async def test_a_token_is_handed_out_again_until_half_of_its_life_is_gone(
    mint: MintOne, clock: SimpleNamespace
) -> None:
    first = await mint()
    clock.now += 300
    assert await mint() == (first.token, 300)
    clock.now += 1
    second = await mint()
    assert second.token != first.token
    assert second.expires_in_s == 600
    clock.now += 0.5
    assert await mint() == (second.token, 599)


async def test_no_token_outlives_its_sign_in(mint: MintOne) -> None:
    long = await mint()
    short = await mint(left_s=100.9)

    assert short.token != long.token
    assert short.expires_in_s == 100
    claims = claims_of(short.token)
    assert claims["exp"] - claims["iat"] == 100
    assert await mint(left_s=100.9) == short
    assert (await mint(left_s=0.1)).expires_in_s == 1


async def test_each_thing_a_token_says_makes_it_another(mint: MintOne) -> None:
    changes: list[dict[str, Any]] = [
        {}, {"session_id": UUID(int=3)}, {"name": "Eve"}, {"roles": ["owner"]}, {"permissions": []},
        {"authenticated_at": PROVED_AT}, {"assurance": 2},
    ]  # fmt: skip
    minted = [await mint(**change) for change in changes]

    assert len({found.token for found in minted}) == len(changes)
    assert [await mint(**change) for change in changes] == minted


async def test_the_token_longest_unsigned_is_forgotten_first(
    mint: MintOne, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minting, "KEPT_TOKENS", 2)
    await mint(name="a")
    b = await mint(name="b")
    clock.now += 301
    a = await mint(name="a")
    clock.now -= 301
    await mint(name="c")
    clock.now += 301

    assert await mint(name="a") == a
    clock.now -= 301
    assert (await mint(name="b")).token != b.token


async def test_a_token_of_a_key_that_signs_no_more_is_not_handed_out_again(
    make_database: Any, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "REREAD_AFTER_S", 0.0)
    async with make_database() as database:
        app = create_app(settings_of(service_environment("users", keys, database)))
        async with serving(app):
            ring = app.extensions["vitrine_users"].keyring
            made = Mint(ring, 600)

            async def ask() -> str:
                return (
                    await made.token(
                        account_id=ACCOUNT, session_id=SESSION, name="", roles=[], permissions=[], left_s=900
                    )
                ).token

            first = await ask()
            assert await ask() == first
            async with app.extensions["vitrine"].database.transaction() as session:
                rotation = await ring.rotate(session, at_once=True)

            second = await ask()
            assert jws.extract_compact(second.encode()).headers()["kid"] == str(rotation.kid)

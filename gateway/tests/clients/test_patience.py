"""How long users is given for what takes long, and what is asked of it once only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from pydantic import SecretStr
from vitrine_gateway.clients.mailboxes import MailboxClient
from vitrine_gateway.clients.users import UsersClient
from vitrine_kit.outbound import Neighbour
from vitrine_kit.problems import Unavailable
from vitrine_kit.settings import ServiceSettings

Call = Callable[[Neighbour], Awaitable[object]]


def away() -> tuple[Neighbour, list[httpx.Request]]:
    """Users as the gateway calls it, while it answers nothing but 503; and what it was asked."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503)

    settings = ServiceSettings(secret_key=SecretStr("0123456789abcdef0123456789abcdef"))
    return Neighbour("users", "http://users", settings, transport=httpx.MockTransport(handle)), asked


@pytest.mark.parametrize(
    ("call", "least_ms"),
    [
        (lambda users: MailboxClient(users).register("a@b.example", "p", "A", "en", key="k" * 8), 1900),
        (lambda users: UsersClient(users).set_picture("token", b"png", "image/png"), 15_000),
    ],
    ids=["register", "set-picture"],
)
async def test_an_attempt_has_the_time_that_hashing_and_decoding_take(call: Call, least_ms: int) -> None:
    users, asked = away()
    with pytest.raises(Unavailable):
        await call(users)

    assert len(asked) == 3
    assert int(asked[0].headers["X-Request-Timeout-Ms"]) >= least_ms


@pytest.mark.parametrize(
    "call",
    [
        lambda users: MailboxClient(users).leave("token", "password"),
        lambda users: MailboxClient(users).export("token"),
    ],
    ids=["leave", "export"],
)
async def test_what_counts_each_time_or_ends_the_session_is_asked_once(call: Call) -> None:
    users, asked = away()
    with pytest.raises(Unavailable):
        await call(users)

    assert len(asked) == 1

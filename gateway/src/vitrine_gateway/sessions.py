"""Who is reading: exchanges the opaque session cookie for a user and a short token, and remembers that for seconds."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Flask, Request, Response, g
from flask_login import LoginManager
from vitrine_kit.asgi import await_
from vitrine_kit.logs import get_logger
from vitrine_kit.outbound import Coalescer
from vitrine_kit.problems import Problem

from vitrine_gateway.clients.users import Account, UsersClient
from vitrine_gateway.settings import GatewaySettings

log = get_logger(__name__)

KEPT_SESSIONS: Final = 20_000
RETRY_S: Final = 1.0
"""How long a worker waits before it asks again after users did not answer."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The signed-in person, as Flask-Login wants a user, with the token that speaks for them."""

    account: Account
    access_token: str
    token_ends_s: float
    """On this process's monotonic clock."""
    factor_missing: bool = False
    """Whether the person's roles ask for a second proof that this session has not got."""
    impersonation: bool = False
    """Whether an owner sees the shop as this person, and can change nothing."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.account.id

    def may(self, permission: str) -> bool:
        return permission in self.account.permissions

    @property
    def name(self) -> str:
        return self.account.name or self.account.email


class AnonymousReader:
    """Nobody in particular; `unavailable` when a session was shown that nobody could be asked about."""

    is_authenticated = False
    is_active = False
    is_anonymous = True
    access_token = None
    impersonation = False
    name = ""

    def __init__(self, *, unavailable: bool = False) -> None:
        self.unavailable = unavailable

    def get_id(self) -> None:
        return None

    def may(self, _permission: str) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Verdict:
    reader: Reader | None
    asked_s: float


class Sessions:
    """What users said about each session.

    Each request asks, so that what was ended is refused at the next one; only a request that finds another already
    asking for the same session shares its answer. What was said is believed for `verdict_s`, by default not at
    all, and while users is away until the token ends.
    """

    def __init__(
        self, users: UsersClient, verdict_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._users = users
        self._verdict_s = verdict_s
        self._clock = clock
        self._verdicts: OrderedDict[bytes, _Verdict] = OrderedDict()
        self._asking: Coalescer[bytes, Reader | None] = Coalescer()

    async def reader_of(self, session: str) -> Reader | None:
        """The session's reader, or None when it has ended; while users is away, the last answer until its token ends.

        Raises:
            Unavailable: users does not answer and nothing is known of the session.
        """
        key = _key(session)
        known = self._verdicts.get(key)
        if known is not None and self._clock() - known.asked_s < self._verdict_s and self._current(known):
            return known.reader
        try:
            return await self._asking.get(key, lambda: self._exchange(key, session))
        except Problem as problem:
            if known is None or known.reader is None or not self._current(known):
                raise
            log.warning("session_unchecked", status=problem.status)
            self._remember(key, known.reader, asked_s=self._clock() - self._verdict_s + RETRY_S)
            return known.reader

    def forget(self, session: str) -> None:
        """Drops what is known of a session: it has ended."""
        self._verdicts.pop(_key(session), None)

    def forget_all_of(self, account_id: str) -> None:
        """Drops what is known of a person's sessions, because their name or rights changed."""
        mine = [
            k for k, v in self._verdicts.items() if v.reader is not None and v.reader.account.id == account_id
        ]
        for key in mine:
            del self._verdicts[key]

    async def _exchange(self, key: bytes, session: str) -> Reader | None:
        found = await self._users.exchange_session(session)
        now = self._clock()
        reader = None
        if found is not None:
            reader = Reader(
                found.user,
                found.access_token,
                now + found.expires_in,
                found.factor_missing,
                found.impersonation,
            )
        self._remember(key, reader, asked_s=now)
        return reader

    def _remember(self, key: bytes, reader: Reader | None, *, asked_s: float) -> None:
        self._verdicts[key] = _Verdict(reader, asked_s)
        self._verdicts.move_to_end(key)
        while len(self._verdicts) > KEPT_SESSIONS:
            self._verdicts.popitem(last=False)

    def _current(self, verdict: _Verdict) -> bool:
        return verdict.reader is None or verdict.reader.token_ends_s > self._clock()


def _key(session: str) -> bytes:
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).digest()


def session_cookie_name(settings: GatewaySettings) -> str:
    """The session cookie's name; the `__Host-` prefix where browsers accept `Secure` cookies."""
    return "__Host-vitrine_session" if settings.secure_cookies else "vitrine_session"


def device_cookie_name(settings: GatewaySettings) -> str:
    """The name of the cookie by which users knows a browser again; it signs nobody in."""
    return "__Host-vitrine_device" if settings.secure_cookies else "vitrine_device"


def visit_cookie_name(settings: GatewaySettings) -> str:
    """The name of the cookie that ties a visit to a provider to the browser that was sent there."""
    return "__Host-vitrine_visit" if settings.secure_cookies else "vitrine_visit"


def form_cookie_name(settings: GatewaySettings) -> str:
    """The name of Flask's own signed cookie: form tokens and passing messages, never an identity."""
    return "__Host-vitrine_form" if settings.secure_cookies else "vitrine_form"


def set_session_cookie(
    response: Response, settings: GatewaySettings, session: str, max_age_s: int | None
) -> None:
    """Hands the browser its session (rules 25 and 26 of the project's security rules)."""
    response.set_cookie(
        session_cookie_name(settings),
        session,
        max_age=max_age_s,
        secure=settings.secure_cookies,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def set_device_cookie(response: Response, settings: GatewaySettings, device: str, max_age_s: int) -> None:
    """Lets users know the browser again; only sign-ins look at it."""
    response.set_cookie(
        device_cookie_name(settings),
        device,
        max_age=max_age_s,
        secure=settings.secure_cookies,
        httponly=True,
        samesite="Strict",
        path="/",
    )


def set_visit_cookie(response: Response, settings: GatewaySettings, binding: str, max_age_s: int) -> None:
    """Ties a visit to the browser. Lax, for it comes back from another site."""
    response.set_cookie(
        visit_cookie_name(settings),
        binding,
        max_age=max_age_s,
        secure=settings.secure_cookies,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def own_session_cookie_name(settings: GatewaySettings) -> str:
    """The cookie in which an owner's own session waits while they see the shop as somebody else."""
    return "__Host-vitrine_own" if settings.secure_cookies else "vitrine_own"


def set_own_session_cookie(
    response: Response, settings: GatewaySettings, session: str, max_age_s: int
) -> None:
    """Puts an owner's own session aside."""
    response.set_cookie(
        own_session_cookie_name(settings),
        session,
        max_age=max_age_s,
        secure=settings.secure_cookies,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def clear_own_session_cookie(response: Response, settings: GatewaySettings) -> None:
    """Takes what was put aside from the browser."""
    response.delete_cookie(
        own_session_cookie_name(settings),
        secure=settings.secure_cookies,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def clear_session_cookie(response: Response, settings: GatewaySettings) -> None:
    """Takes the session from the browser."""
    response.delete_cookie(
        session_cookie_name(settings), secure=settings.secure_cookies, httponly=True, samesite="Lax", path="/"
    )


def register_login(app: Flask, sessions: Sessions, settings: GatewaySettings) -> LoginManager:
    """Sets Flask-Login up: the reader comes from the session cookie, never from Flask's own session."""
    manager = LoginManager()
    manager.session_protection = None
    manager.anonymous_user = AnonymousReader
    cookie = session_cookie_name(settings)

    def load(request: Request) -> Reader | AnonymousReader | None:
        session = request.cookies.get(cookie)
        if not session or len(session) > 512:
            return None
        try:
            reader = await_(sessions.reader_of(session))
        except Problem as problem:
            if problem.status < 500:
                raise
            return AnonymousReader(unavailable=True)
        # The answer takes a cookie that means nothing any more from the browser.
        g.session_ended = reader is None
        return reader

    manager.request_loader(load)

    def clear_ended(response: Response) -> Response:
        if g.get("session_ended") and cookie not in _cookies_set(response):
            clear_session_cookie(response, settings)
        return response

    app.after_request(clear_ended)
    manager.init_app(app)
    return manager


def _cookies_set(response: Response) -> set[str]:
    return {header.split("=", 1)[0] for header in response.headers.getlist("Set-Cookie")}

"""One neighbouring service as its callers see it: a request goes out in time or fails in time, and says so plainly."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
from flask import Flask, has_request_context, request

from vitrine_kit.auth.services import SERVICE_HEADER, ServiceIdentity
from vitrine_kit.deadlines import DEADLINE_HEADER, current_deadline
from vitrine_kit.logs import current_request_id, get_logger
from vitrine_kit.outbound.breaker import Breaker, BreakerState
from vitrine_kit.outbound.policy import (
    IDEMPOTENT_METHODS,
    RETRIED_STATUSES,
    Policy,
    RetryBudget,
    retry_after_s,
)
from vitrine_kit.outbound.transport import make_transport, no_cookies
from vitrine_kit.problems import GatewayTimeout, RequestInProgress, Unavailable
from vitrine_kit.settings import ServiceSettings

log = get_logger(__name__)


class NeighbourUnavailable(Unavailable):
    """The neighbour did not answer usefully, whatever was tried; `neighbour` is its name, `reason` says why.

    `status` of the neighbour's last answer, 500 or above, is in `answered`; None where there was no answer.
    """

    def __init__(
        self, neighbour: str, reason: str, *, retry_after_s: float = 1, answered: int | None = None
    ) -> None:
        super().__init__(
            f"The {neighbour} service is not available right now.",
            retry_after_s=retry_after_s,
            service=neighbour,
        )
        self.neighbour = neighbour
        self.reason = reason
        self.answered = answered

    def __str__(self) -> str:
        return f"{self.neighbour}: {self.reason}"


class Neighbour:
    """A client of one service, one for each worker process.

    A call carries this service's credential, the request's id and what is left of its time. It is tried again only
    where that cannot do a thing twice: idempotent methods, and writes with an Idempotency-Key.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        settings: ServiceSettings,
        identity: ServiceIdentity | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        policy: Policy | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self.base_url = base_url
        self.policy = policy or Policy()
        self._settings = settings
        self._identity = identity
        self._given_transport = transport
        self._clock = clock
        self._sleep = sleep
        self._rng = rng or random.Random()  # noqa: S311 - jitter is no secret
        self.breaker = Breaker(clock=clock, on_change=self._breaker_changed)
        self._budget = RetryBudget(self.policy.retry_ratio, self.policy.retry_reserve)
        self._slots = asyncio.Semaphore(self.policy.max_connections)
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """See `request`."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        """See `request`."""
        return await self.request("POST", path, **options)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        attempt_timeout_s: float | None = None,
        idempotent: bool | None = None,
        forward_user: bool = False,
        **body: Any,
    ) -> httpx.Response:
        """The neighbour's answer to a request, read to its end.

        Args:
            method: the HTTP method.
            path: path below the neighbour's address, beginning with a slash.
            json: a value sent as JSON.
            params: the query string.
            headers: further headers; an Authorization given here is sent as it is.
            timeout_s: seconds for the whole call; 2 s by default. Never longer than the request being served may
                take.
            attempt_timeout_s: seconds for one attempt where a second is possible; 0.8 s by default. The neighbour ends
                its work then as well, so that what takes longer would never be done.
            idempotent: whether the request may be sent twice; by default what its method and an Idempotency-Key
                header say.
            forward_user: whether to send on the access token of the request being served.
            **body: `content`, `data` or `files`, as httpx takes them; a stream is sent once and never again.

        Returns:
            Any answer below 500, also 4xx. Where the neighbour is still at work on the same request, sent by an
            attempt that was given up or by another worker, it is waited for: its answer is this call's too.

        Raises:
            NeighbourUnavailable: no answer, or one of 500 and above, after the last attempt; or the same request was
                still running when the time was over; or calls to this neighbour are being refused for the moment.
            GatewayTimeout: the request being served has no time left.
        """
        deadline = current_deadline()
        total_s = self.policy.total_timeout_s if timeout_s is None else timeout_s
        if deadline is not None:
            remaining_s = deadline.remaining_s()
            if remaining_s <= self.policy.least_time_s:
                raise GatewayTimeout(f"No time is left to ask the {self.name} service.")
            total_s = min(total_s, remaining_s)
        ends_at = self._clock() + total_s
        sent = self._headers(headers, forward_user=forward_user)
        if json is not None:
            body["content"] = orjson.dumps(json, default=str)
            sent.setdefault("Content-Type", "application/json")
        repeatable = not body or (set(body) == {"content"} and isinstance(body["content"], bytes | str))
        if idempotent is None:
            keyed = any(name.lower() == "idempotency-key" for name in sent)
            idempotent = method.upper() in IDEMPOTENT_METHODS or keyed
        idempotent = idempotent and repeatable
        tries = 1 + (self.policy.max_retries if idempotent else 0)
        most_s = self.policy.attempt_timeout_s if attempt_timeout_s is None else attempt_timeout_s
        self._budget.earn()

        failure: NeighbourUnavailable | None = None
        failed, met = 0, 0
        while (remaining_s := ends_at - self._clock()) > self.policy.least_time_s:
            longest_s = min(remaining_s, most_s) if tries > 1 else remaining_s
            answer = await self._attempt(
                method, path, params=params, headers=sent, longest_s=longest_s, body=body
            )
            if isinstance(answer, httpx.Response):
                if not (idempotent and _is_in_progress(answer)):
                    return answer
                # No failure, and cheap to answer: looking again spends no retry. The neighbour's own Retry-After
                # counts in whole seconds, of which there are few.
                failure = NeighbourUnavailable(self.name, "the same request is still running there")
                met += 1
                wait_s = min(self.policy.backoff_s(met, self._rng), self.policy.running_cap_s)
            else:
                failure, may_retry, asked_s = answer
                failed += 1
                if not may_retry or failed == tries or not self._budget.spend():
                    break
                wait_s = max(asked_s or 0.0, self.policy.backoff_s(failed, self._rng))
            if self._clock() + wait_s + self.policy.least_time_s >= ends_at:
                break
            await self._sleep(wait_s)
        if failure is None:
            raise NeighbourUnavailable(self.name, "no time left")
        if self.breaker.state is not BreakerState.OPEN:  # else it has been said once, as it opened
            log.warning(
                "neighbour_failed", neighbour=self.name, method=method, path=path, reason=failure.reason
            )
        raise failure

    async def _attempt(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None,
        headers: dict[str, str],
        longest_s: float,
        body: dict[str, Any],
    ) -> httpx.Response | tuple[NeighbourUnavailable, bool, float | None]:
        """One try: the answer; or the failure, whether another try may help, and the wait the neighbour asks for."""
        if not self.breaker.allow():
            wait_s = self.breaker.retry_after_s()
            return NeighbourUnavailable(self.name, "circuit open", retry_after_s=wait_s), False, None
        headers[DEADLINE_HEADER] = str(int(longest_s * 1000))
        reported = False
        try:
            if self._slots.locked():
                try:
                    async with asyncio.timeout(min(longest_s, self.policy.connection_wait_s)):
                        await self._slots.acquire()
                except TimeoutError:
                    return NeighbourUnavailable(self.name, "all connections are in use"), False, None
            else:
                await self._slots.acquire()
            try:
                async with asyncio.timeout(longest_s):
                    response = await self._http().request(
                        method, path, params=params, headers=headers, **body
                    )
            finally:
                self._slots.release()
            reported = True
            if response.status_code >= 500:
                self.breaker.fail()
            else:
                self.breaker.succeed()
        except (httpx.TransportError, TimeoutError, OSError) as error:
            reported = True
            self.breaker.fail()
            return NeighbourUnavailable(self.name, type(error).__name__), True, None
        finally:
            if not reported:
                self.breaker.forget()
        asked_s = retry_after_s(response.headers.get("Retry-After"), time.time())
        if response.status_code >= 500:
            failure = NeighbourUnavailable(
                self.name,
                f"HTTP {response.status_code}",
                retry_after_s=asked_s or 1,
                answered=response.status_code,
            )
            return failure, response.status_code in RETRIED_STATUSES, asked_s
        return response

    def _headers(self, given: Mapping[str, str] | None, *, forward_user: bool) -> dict[str, str]:
        headers = dict(given or {})
        if (request_id := current_request_id()) is not None:
            headers.setdefault("X-Request-Id", request_id)
        if self._identity is not None:
            headers[SERVICE_HEADER] = self._identity.credential_for(self.name)
        if forward_user and has_request_context() and (token := request.headers.get("Authorization")):
            headers.setdefault("Authorization", token)
        return headers

    def _http(self) -> httpx.AsyncClient:
        """The client of this loop, made at the first call; connections cannot move from one loop to another."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            transport = self._given_transport or make_transport(
                self._settings.outbound_transport, self.policy, self._settings.internal_socket
            )
            self._client = httpx.AsyncClient(
                transport=transport,
                base_url=self.base_url,
                # The bulkhead bounds the connections, and asyncio.timeout the attempt; httpx bounds the connecting.
                timeout=httpx.Timeout(None, connect=self.policy.connect_timeout_s),
                cookies=no_cookies(),
                trust_env=False,
                follow_redirects=False,
            )
            self._loop = loop
        return self._client

    async def aclose(self) -> None:
        """Closes the connections of this loop."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    def _breaker_changed(self, state: BreakerState) -> None:
        log.warning("breaker_changed", neighbour=self.name, state=state.value)


def _is_in_progress(response: httpx.Response) -> bool:
    """Whether the neighbour answers that it works on the same request already (vitrine_kit.idempotency)."""
    if response.status_code != RequestInProgress.status:
        return False
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and found.get("type") == f"/problems/{RequestInProgress.slug}"


@asynccontextmanager
async def lifespan(app: Flask) -> AsyncIterator[None]:
    """Closes the clients of all neighbours when the worker process ends."""
    try:
        yield
    finally:
        for neighbour in app.extensions["vitrine"].neighbours.values():
            await neighbour.aclose()

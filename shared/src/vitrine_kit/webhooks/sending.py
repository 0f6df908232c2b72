"""Sends one webhook to an address that somebody gave: checked, bounded in time and size, never redirected."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import httpx

from vitrine_kit.offload import run_blocking
from vitrine_kit.outbound.policy import retry_after_s
from vitrine_kit.outbound.public import Lookup, PublicTransport, look_up
from vitrine_kit.outbound.transport import no_cookies
from vitrine_kit.webhooks.signing import sign

TIMEOUT_S = 15.0
USER_AGENT = "Vitrine-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the id stays the same however often it is."""

    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt: the receiver's status, or why there is none."""

    status: int | None
    error: str | None
    duration_ms: int
    retry_after_s: float | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver has taken it (2xx)."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more of them (410)."""
        return self.status == 410


class Sender:
    """Sends messages; each over a connection of its own, so that a receiver's state touches no other's.

    Of the answer only status and headers are read: how much more the receiver has to say costs nothing here.
    """

    def __init__(
        self,
        *,
        private: bool = False,
        timeout_s: float = TIMEOUT_S,
        lookup: Lookup = look_up,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Connects to nothing.

        Args:
            private: whether receivers may be on a private network, and spoken to without TLS.
            timeout_s: seconds for the whole attempt, looking the host up included.
            lookup: how a host's addresses are found.
            tls: whom to trust; the system's authorities by default.
        """
        self._private = private
        self._timeout_s = timeout_s
        self._lookup = lookup
        self._tls = tls

    async def send(self, url: str, message: Message, secrets: Sequence[str]) -> Outcome:
        """One attempt; whatever goes wrong is in the outcome, never raised."""
        if self._tls is None:
            # Reading the system's authorities takes tens of milliseconds.
            self._tls = await run_blocking(ssl.create_default_context)
        transport = PublicTransport(tls=self._tls, private=self._private, lookup=self._lookup)
        began_s = time.monotonic()
        status, error, wait_s = None, None, None
        try:
            async with asyncio.timeout(self._timeout_s):
                status, wait_s = await self._attempt(transport, url, message, secrets)
        except TimeoutError:
            error = "timeout"
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError) as failure:
            error = "forbidden-address" if transport.refused else _reason(failure)
        finally:
            await transport.aclose()
        return Outcome(status, error, round((time.monotonic() - began_s) * 1000), wait_s)

    async def _attempt(
        self, transport: PublicTransport, url: str, message: Message, secrets: Sequence[str]
    ) -> tuple[int, float | None]:
        now_s = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "webhook-id": message.id,
            "webhook-timestamp": str(now_s),
            "webhook-signature": sign(secrets, message_id=message.id, timestamp_s=now_s, body=message.body),
        }
        client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(None),
            cookies=no_cookies(),
            trust_env=False,
            follow_redirects=False,
        )
        async with client.stream("POST", url, content=message.body, headers=headers) as answer:
            return answer.status_code, retry_after_s(answer.headers.get("Retry-After"), now_s)


def _reason(failure: Exception) -> str:
    """Why there is no answer, in words of our own: the failure's may repeat what the receiver sent."""
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectorDNSError):
            return "host-not-found"
        if isinstance(cause, ssl.SSLError | ssl.CertificateError | aiohttp.ClientSSLError):
            return "tls-failed"
        if isinstance(cause, aiohttp.ClientConnectorError | ConnectionRefusedError):
            return "not-reached"
        if isinstance(cause, httpx.InvalidURL | aiohttp.InvalidURL | httpx.UnsupportedProtocol):
            return "bad-address"
        cause = cause.__cause__
    return "no-answer"

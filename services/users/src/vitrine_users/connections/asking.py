"""How providers are asked: by https, no redirects, no cookies, answers of a bounded size, within a bounded time."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from vitrine_kit.offload import run_blocking
from vitrine_kit.outbound.transport import no_cookies

MAX_ANSWER_BYTES = 512 * 1024
MAX_CONNECTIONS = 20
CONNECT_TIMEOUT_S = 2.0


class NotAnswered(Exception):
    """There was no answer, or none that can be read; the text says why, for the log."""


class Asking:
    """The one client of a worker for all providers; connects to nothing until it is used."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str, *, bearer: str | None = None) -> dict[str, Any]:
        """The JSON object at an address.

        Raises:
            NotAnswered: there is none.
        """
        headers = {"Authorization": f"Bearer {bearer}"} if bearer is not None else {}
        status, found = await self._send("GET", url, headers=headers)
        if status != 200:
            raise NotAnswered(f"{_shown(url)} answered {status}")
        return found

    async def post(
        self, url: str, form: dict[str, str], *, auth: tuple[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object that a form is answered with.

        Raises:
            NotAnswered: the answer is none of ours to read, or 500 and above.
        """
        status, found = await self._send("POST", url, data=form, auth=auth)
        if status >= 500:
            raise NotAnswered(f"{_shown(url)} answered {status}")
        return status, found

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _send(self, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
        try:
            client = await self._http()
            async with client.stream(method, url, **options) as response:
                body = await _bounded(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise NotAnswered(f"{_shown(url)}: {type(error).__name__}") from error
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise NotAnswered(f"{_shown(url)} answered {response.status_code} without a JSON object")
        return response.status_code, found

    async def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            # Reading the authorities' certificates takes tens of milliseconds.
            trust = await run_blocking(_trust)
        if self._client is None:
            limits = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=5)
            self._client = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(verify=trust, limits=limits, trust_env=False),
                timeout=httpx.Timeout(self._timeout_s, connect=min(CONNECT_TIMEOUT_S, self._timeout_s)),
                headers={"Accept": "application/json", "User-Agent": "vitrine"},
                cookies=no_cookies(),
                follow_redirects=False,
                trust_env=False,
            )
        return self._client


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise NotAnswered(f"{_shown(str(response.url))} answered with too much")
    return bytes(body)


def _trust() -> ssl.SSLContext:
    """The certificates of the usual authorities, and those this machine trusts beside them (SSL_CERT_FILE)."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _shown(url: str) -> str:
    """An address for the log, without a query: that may hold what is secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"

"""What a request may use: its time (`deadlines`), its place among those running, and how often somebody may ask."""

from flask import Flask, has_request_context, request

from vitrine_kit.deadlines import DEADLINE_VARIABLE, deadline_of, set_deadline
from vitrine_kit.limits.rates import RateLimiter, purge_rates, rate_limit_table
from vitrine_kit.limits.shedding import EXEMPT_PATHS, EXTENSION, LoadShedder, shedder_of
from vitrine_kit.settings import ServiceSettings

__all__ = [
    "EXEMPT_PATHS",
    "LoadShedder",
    "RateLimiter",
    "client_address",
    "purge_rates",
    "rate_limit_table",
    "register",
    "shedder_of",
]


def register(app: Flask, settings: ServiceSettings) -> LoadShedder:
    """Gives each request of the app its deadline and its place in the queue; returns the worker's shedder."""
    shedder = LoadShedder()
    app.extensions[EXTENSION] = shedder
    default_ms = settings.request_timeout_ms

    def begin() -> None:
        # From the environ, and that once: this runs for every request, and the proxies are not free.
        environ = request.environ
        set_deadline(deadline_of(environ.get(DEADLINE_VARIABLE), default_ms))
        if environ["PATH_INFO"] not in EXEMPT_PATHS:
            shedder.admit(environ)

    def end(_error: BaseException | None) -> None:
        shedder.dismiss(request.environ)
        # Under plain WSGI the next thing that runs here is not this request's any more.
        set_deadline(None)

    app.before_request(begin)
    app.teardown_request(end)
    return shedder


def client_address() -> str:
    """The visitor's address: what Nginx put into X-Real-IP, else the peer's; "local" without either.

    Nginx overwrites X-Real-IP, and nothing but Nginx and neighbours reaches a service.
    """
    if not has_request_context():
        return "local"
    return request.headers.get("X-Real-IP") or request.remote_addr or "local"

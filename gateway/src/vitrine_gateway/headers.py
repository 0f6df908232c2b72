"""What every page says to browsers and caches: its content policy with a nonce, and who may keep it how long."""

from __future__ import annotations

import secrets

from flask import Flask, Response, current_app, g, request, session
from werkzeug.datastructures import Headers

from vitrine_gateway.pages import SAFE_METHODS, page_of
from vitrine_gateway.sessions import form_cookie_name, session_cookie_name
from vitrine_gateway.settings import GatewaySettings

PUBLIC_CACHE = "public, max-age=3, stale-while-revalidate=30"


def csp_nonce() -> str:
    """This answer's nonce: only elements that carry it run."""
    found: str | None = g.get("csp_nonce")
    if found is None:
        found = g.csp_nonce = secrets.token_urlsafe(16)
    return found


def content_policy(nonce: str, *, development: bool) -> str:
    """The content security policy. Pictures may come from any https address: imports keep the shop's own links.

    In development the debug toolbar's inline scripts and styles run too, which a nonce would rule out.
    """
    scripts = "'self' 'unsafe-inline'" if development else f"'nonce-{nonce}'"
    styles = "'self' 'unsafe-inline'" if development else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src {styles}",
            "img-src 'self' https: data:",
            "font-src 'self'",
            "connect-src 'self'",
            # The worker that solves a form's challenge.
            "worker-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def register_headers(app: Flask, settings: GatewaySettings) -> None:
    """Adds the headers to every answer."""
    development = settings.environment == "development"
    ours = frozenset({session_cookie_name(settings), form_cookie_name(settings)})
    over_https = settings.public_url.startswith("https://")

    def finish(response: Response) -> Response:
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if over_https:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if response.mimetype == "text/html":
            headers["Content-Security-Policy"] = content_policy(csp_nonce(), development=development)
        if request.endpoint != "static":
            _set_cache(response, headers, ours)
        return response

    app.after_request(finish)


def _set_cache(response: Response, headers: Headers, ours: frozenset[str]) -> None:
    response.vary.add("Cookie")
    page = page_of(current_app, request.endpoint)
    if page is None or not page.cached or request.method not in SAFE_METHODS or response.status_code != 200:
        headers["Cache-Control"] = "no-store"
    elif ours.isdisjoint(request.cookies) and "Set-Cookie" not in headers and not session.modified:
        headers["Cache-Control"] = PUBLIC_CACHE
    else:
        # Made for one reader: their browser may keep it for going back, but asks before it shows it anew.
        headers["Cache-Control"] = "private, no-cache"

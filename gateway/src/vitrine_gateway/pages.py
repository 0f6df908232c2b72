"""Pages and who may open them: every route of the gateway declares its access here, and one guard holds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.problems import Forbidden

from vitrine_gateway.sessions import session_cookie_name

PUBLIC: Final = "public"
SIGNED_IN: Final = "signed-in"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_BYTES = 1024 * 1024

View = Callable[..., Awaitable[ResponseReturnValue]]


@dataclass(frozen=True, slots=True)
class Page:
    """What a route asks of its reader: PUBLIC, SIGNED_IN or a permission's name; and the largest body it takes."""

    access: str
    cached: bool = False
    takes_upload: bool = False
    from_elsewhere: bool = False
    """Whether another site may send a form here: a page that changes nothing, and only goes on to itself by GET."""


class PageBlueprint(Blueprint):
    """A Flask blueprint whose routes are declared with `page`."""

    def page(
        self,
        rule: str,
        *,
        access: str,
        methods: tuple[str, ...] = ("GET",),
        cached: bool = False,
        takes_upload: bool = False,
        from_elsewhere: bool = False,
    ) -> Callable[[View], View]:
        """Routes `rule` to an async view.

        `cached` pages may be kept by shared caches for a few seconds when the reader is anonymous; a page that
        `takes_upload` accepts bodies up to `max_upload_bytes`, others up to 1 MiB.
        """

        def declare(view: View) -> View:
            @wraps(view)
            def rendered(**values: Any) -> ResponseReturnValue:
                # A plain function: extensions that wrap views (the debug toolbar) call them without ensure_sync.
                answer: ResponseReturnValue = current_app.ensure_sync(view)(**values)
                return answer

            rendered.__vitrine_page__ = Page(access, cached, takes_upload, from_elsewhere)  # type: ignore[attr-defined]  # read by page_of
            self.add_url_rule(rule, view.__name__, rendered, methods=list(methods))
            return view

        return declare


def page_of(app: Flask, endpoint: str | None) -> Page | None:
    """What was declared for this endpoint, or None for what is no page (static files, health checks)."""
    view = app.view_functions.get(endpoint or "")
    found: Page | None = getattr(view, "__vitrine_page__", None)
    return found


def register_guard(app: Flask) -> None:
    """Refuses cross-site writes, bounds bodies, and holds each page's declared access; before any form is read."""
    settings = app.extensions["vitrine_gateway"].settings

    def guard() -> ResponseReturnValue | None:
        page = page_of(app, request.endpoint)
        if request.method not in SAFE_METHODS and not (page is not None and page.from_elsewhere):
            refuse_cross_site(settings.public_url)
        if page is None:
            return None
        request.max_content_length = (
            settings.max_upload_bytes + FORM_BYTES if page.takes_upload else FORM_BYTES
        )
        request.max_form_memory_size = FORM_BYTES
        request.max_form_parts = 5000
        if session_cookie_name(settings) in request.cookies:
            # Asked once, here, where the request's greenlet can wait; later readers find the answer in `g`.
            bool(current_user.is_authenticated)
        return _refusal(page.access)

    app.before_request(guard)


def _refusal(access: str) -> ResponseReturnValue | None:
    if access == PUBLIC:
        return None
    if not current_user.is_authenticated:
        unauthorized: ResponseReturnValue = current_app.login_manager.unauthorized()  # type: ignore[attr-defined]  # Flask-Login's
        return unauthorized
    if access != SIGNED_IN and not current_user.may(access):
        if current_user.factor_missing:
            flash("Your role asks for a second proof that it is you. Add one here, or confirm with it.")
            to_security: ResponseReturnValue = redirect(url_for("account.security"), 303)
            return to_security
        raise Forbidden("Your account does not have the permission for this page.")
    return None


def refuse_cross_site(public_url: str) -> None:
    """Lets an unsafe request pass only when the browser says that it comes from our own pages.

    A client that sends neither header is no browser of the last years; the token in the form still has to match.

    Raises:
        Forbidden: `Sec-Fetch-Site` or `Origin` names another site.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in {"same-origin", "none"}:
        raise Forbidden("This form was sent from another site.")
    if site == "same-origin":
        # The browser's own word. Its Origin may still be "null", where a page or an extension forbids referrers.
        return
    origin = request.headers.get("Origin")
    if origin is None:
        return
    if urlsplit(origin).netloc not in {request.host, urlsplit(public_url).netloc} - {""}:
        raise Forbidden("This form was sent from another site.")


def local_path(target: str | None, default: str = "/") -> str:
    """The path to go on to after a form, when it is one of ours, else `default` (RFC 9700, section 4.11).

    Absolute and scheme-relative addresses, backslashes and control characters are refused: browsers read them as hosts.
    """
    if not target or len(target) > 2000 or not target.startswith("/") or target[1:2] in {"/", "\\"}:
        return default
    if "\\" in target or any(ord(char) < 0x21 or ord(char) == 0x7F for char in target):
        return default
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else default

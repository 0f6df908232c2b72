"""Error pages: what a person reads when something is missing, forbidden or away; programs get problem documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from jinja2 import TemplateError
from vitrine_kit import problems
from vitrine_kit.logs import current_request_id, get_logger
from vitrine_kit.problems import Forbidden, Problem, Unauthenticated

from vitrine_gateway.clients.wire import StepUpNeeded
from vitrine_gateway.pages import local_path

log = get_logger(__name__)

MACHINE_PATHS = ("/api/", "/livez", "/readyz", "/metrics", "/internal/", "/static/")


@dataclass(frozen=True, slots=True)
class ErrorText:
    """The words of an error page."""

    title: str
    text: str


_TEXTS = {
    400: ErrorText(
        "That request was garbled",
        "The address or the form did not arrive in one piece. Try again from the start.",
    ),
    403: ErrorText("This door is closed", "You do not have the permission for this page."),
    404: ErrorText(
        "Nothing on this shelf", "The page you asked for is not here. It may have moved, or never was."
    ),
    405: ErrorText("Not like this", "This address does not take that kind of request."),
    409: ErrorText(
        "Someone got there first",
        "Another change was made at the same moment. Go back, reload and try again.",
    ),
    410: ErrorText("This is gone", "What was here has been removed for good."),
    412: ErrorText("It was changed meanwhile", "Somebody saved a newer version. Reload the page to see it."),
    413: ErrorText("That is too large", "The file or form is larger than this shop takes."),
    422: ErrorText("Something in that was not right", "Part of what was sent could not be used."),
    429: ErrorText(
        "One moment, please", "There were too many requests from here. Wait a little, then try again."
    ),
    500: ErrorText("Something broke on our side", "It is not your doing. The number below helps us find it."),
    503: ErrorText("We will be right back", "Part of this site is resting. Try again in a moment."),
    504: ErrorText("That took too long", "The answer did not come in time. Try again in a moment."),
}
_AWAY = {
    "catalog": ErrorText(
        "The catalogue is away for a moment",
        "The products cannot be shown right now. Nothing is lost: this page comes back by itself, soon.",
    ),
    "users": ErrorText(
        "Sign-in is away for a moment",
        "Accounts cannot be reached right now. You can go on browsing; signing in works again shortly.",
    ),
}


def away_service(problem: Problem) -> str | None:
    """The name of the neighbour whose absence caused the problem."""
    found: str | None = problem.extensions.get("service")
    return found


def words_for(problem: Problem) -> ErrorText:
    """What a person is told of a problem."""
    away = _AWAY.get(away_service(problem) or "")
    if away is not None:
        return away
    default = _TEXTS.get(problem.status) or ErrorText(problem.title, "")
    own = problem.detail if problem.status in {403, 409, 410, 413, 422} and problem.detail else ""
    return ErrorText(default.title, own or default.text)


def render_problem(problem: Problem) -> Any:
    """The problem as a page; as a problem document where a program asks; to sign-in where a session has ended."""
    if request.path.startswith(MACHINE_PATHS):
        return problems.response_of(problem)
    if isinstance(problem, StepUpNeeded):
        return redirect(url_for("account.confirm", next=_page_to_come_back_to()), 303)
    if isinstance(problem, Unauthenticated):
        g.session_ended = True
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]  # Flask-Login's
    try:
        page = render_template(
            "errors/page.html",
            status=problem.status,
            words=words_for(problem),
            away=away_service(problem),
            request_id=current_request_id(),
        )
    except TemplateError as error:
        log.error("error_page_failed", exc_info=error)
        return problems.response_of(problem)
    response = Response(page, status=problem.status, mimetype="text/html")
    response.headers.update({k: v for k, v in problem.headers.items() if k.lower() != "www-authenticate"})
    return response


def _page_to_come_back_to() -> str:
    """The page itself; for a form, the page it stands on, as the browser says, where that is one of ours."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    page = urlsplit(request.referrer or "")
    return local_path(page.path if page.netloc == request.host else None, url_for("account.security"))


def register_errors(app: Flask) -> None:
    """Has a missing or wrong form token answered 403 (rule 32 of the project's security rules), not Flask-WTF's 400."""

    def refuse(error: CSRFError) -> Any:
        log.warning("form_token_refused", reason=error.description)
        expected = current_app.extensions["vitrine_gateway"].settings.public_url
        return render_problem(
            Forbidden(
                "This form had been open too long, or your browser did not keep our cookie. Go back, reload the page "
                f"and send it again. If that does not help, open the shop at {expected}."
            )
        )

    app.register_error_handler(CSRFError, refuse)

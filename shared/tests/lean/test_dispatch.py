"""The lean way through an app's hooks calls them in Flask's order."""

from __future__ import annotations

import contextlib
from typing import Any

import flask.signals
import pytest
from blinker import NamedSignal
from flask import (
    Blueprint,
    Flask,
    Response,
    after_this_request,
    request,
    session,
)
from vitrine_kit.lean import make_lean


def build_hooked_app(seen: list[str]) -> Flask:
    """An app that writes down in which order its hooks, those of nested blueprints and its signals come."""
    app = Flask("hooked")
    app.secret_key = "for a session"
    parent = Blueprint("parent", __name__, url_prefix="/parent")
    child = Blueprint("child", __name__, url_prefix="/child")

    def note(name: str, value: Any = None) -> Any:
        return lambda *_: (seen.append(name), value)[1]

    for name, place in (("app", app), ("parent", parent), ("child", child)):
        place.url_value_preprocessor(
            lambda endpoint, values, name=name: seen.append(f"{name} values {endpoint} {values}")
        )
        for number in (1, 2):
            place.before_request(note(f"{name} before {number}"))

            @place.after_request
            def after(response: Response, name: str = f"{name} after {number}") -> Response:
                seen.append(name)
                return response

            place.teardown_request(
                lambda error, name=f"{name} teardown {number}": seen.append(f"{name} {error!r}")
            )

    @app.before_request
    def stop() -> Any:
        return "stopped" if "stop" in request.args else None

    @app.teardown_appcontext
    def of_the_app(error: BaseException | None) -> None:
        seen.append(f"app context {error!r}")

    @child.get("/<int:number>")
    def nested(number: int) -> Any:
        session["n"] = number
        after_this_request(lambda response: (seen.append("after this request"), response)[1])
        return "nested"

    @app.route("/plain", methods=["GET", "POST"])
    def plain() -> Any:
        return "plain"

    @app.get("/fails")
    def fails() -> Any:
        raise LookupError("on purpose")

    parent.register_blueprint(child)
    app.register_blueprint(parent)
    return app


SIGNALS = (
    flask.signals.appcontext_pushed,
    flask.signals.request_started,
    flask.signals.request_finished,
    flask.signals.request_tearing_down,
    flask.signals.appcontext_tearing_down,
    flask.signals.appcontext_popped,
)


def note_signals(stack: contextlib.ExitStack, app: Flask, seen: list[str]) -> None:
    def listen(signal: NamedSignal) -> None:
        def receive(_: Flask, **more: Any) -> None:
            seen.append(f"{signal.name} {sorted(more)}")

        stack.enter_context(signal.connected_to(receive, app))

    for signal in SIGNALS:
        listen(signal)


@pytest.mark.parametrize("listening", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
@pytest.mark.parametrize(
    "path", ["/plain", "/plain?stop=1", "/parent/child/3", "/fails", "/nowhere", "/parent/child/x"]
)
def test_hooks_and_signals_come_in_the_same_order(path: str, method: str, listening: bool) -> None:
    runs = []
    for make in (lambda app: app, make_lean):
        seen: list[str] = []
        app = make(build_hooked_app(seen))
        with contextlib.ExitStack() as stack:
            if listening:
                note_signals(stack, app, seen)
            client = app.test_client()
            for _ in range(2):
                answer = client.open(path, method=method)
                seen.append(f"{answer.status} {answer.headers.get('Set-Cookie', '')[:8]} {answer.text}")
        runs.append(seen)
    assert runs[0] == runs[1]
    assert len(runs[0]) > 2

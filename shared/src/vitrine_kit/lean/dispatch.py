"""A request's way through the app's hooks, without a context-local proxy on it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from flask import Flask, Response
from flask import typing as ft
from flask.globals import _cv_request
from flask.signals import request_tearing_down

_NOT_GIVEN: Any = object()


class LeanDispatch:
    """The methods of one app that go through its hooks; put in place wherever the app has Flask's own."""

    METHODS = (
        "preprocess_request",
        "dispatch_request",
        "process_response",
        "do_teardown_request",
    )

    def __init__(self, app: Flask) -> None:
        self._app = app

    def install(self) -> None:
        """Put the lean methods in place of Flask's; one that the app or its class has of its own stays."""
        app = self._app
        for name in self.METHODS:
            if getattr(type(app), name) is getattr(Flask, name) and name not in vars(app):
                setattr(app, name, getattr(self, name))

    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        app = self._app
        request = _cv_request.get().request
        names = (None, *reversed(request.blueprints))
        for preprocess in _registered(app.url_value_preprocessors, names):
            preprocess(request.endpoint, request.view_args)
        for before in _registered(app.before_request_funcs, names):
            answer: ft.ResponseReturnValue | None = app.ensure_sync(before)()
            if answer is not None:
                return answer
        return None

    def dispatch_request(self) -> ft.ResponseReturnValue:
        app = self._app
        request = _cv_request.get().request
        if request.routing_exception is not None or request.method == "OPTIONS" or request.url_rule is None:
            return Flask.dispatch_request(app)
        view = app.ensure_sync(app.view_functions[request.url_rule.endpoint])
        answer: ft.ResponseReturnValue = view(**(request.view_args or {}))
        return answer

    def process_response(self, response: Response) -> Response:
        app = self._app
        context = _cv_request.get()
        for after in context._after_request_functions:
            response = app.ensure_sync(after)(response)
        names = (*context.request.blueprints, None)
        for after in _registered(app.after_request_funcs, names, last_first=True):
            response = app.ensure_sync(after)(response)
        session = context._session
        assert session is not None, "a pushed context has one"
        if not app.session_interface.is_null_session(session):
            app.session_interface.save_session(app, session, response)
        return response

    def do_teardown_request(self, exc: BaseException | None = _NOT_GIVEN) -> None:
        app = self._app
        if exc is _NOT_GIVEN:
            exc = sys.exc_info()[1]
        names = (*_cv_request.get().request.blueprints, None)
        for teardown in _registered(app.teardown_request_funcs, names, last_first=True):
            app.ensure_sync(teardown)(exc)
        request_tearing_down.send(app, _async_wrapper=app.ensure_sync, exc=exc)


def _registered(
    table: Mapping[Any, Sequence[Callable[..., Any]]],
    names: Iterable[str | None],
    *,
    last_first: bool = False,
) -> Iterator[Callable[..., Any]]:
    for name in names:
        functions = table.get(name)
        if functions:
            yield from reversed(functions) if last_first else functions

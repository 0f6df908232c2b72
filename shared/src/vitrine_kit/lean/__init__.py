"""Cheaper forms of what Flask and Werkzeug do for every request, put in place through the hooks Flask documents.

Each does the same as the original in the common case and hands everything else to the original.
"""

from __future__ import annotations

from typing import Any, cast

from flask import Flask, Request, Response
from flask.json.provider import DefaultJSONProvider
from werkzeug.routing import Rule

from vitrine_kit.lean.dispatch import LeanDispatch
from vitrine_kit.lean.json_provider import OrjsonProvider
from vitrine_kit.lean.routing import LeanRule, UrlAdapters
from vitrine_kit.lean.wrappers import LeanRequest, LeanResponse

__all__ = ["LeanRequest", "LeanResponse", "OrjsonProvider", "make_lean"]


def make_lean(app: Flask) -> Flask:
    """Give `app` the lean forms, wherever it does not have a class or method of its own in that place."""
    if app.request_class is Request:
        app.request_class = LeanRequest
    if app.response_class is Response:
        app.response_class = LeanResponse
    if app.url_rule_class is Rule:
        app.url_rule_class = LeanRule
    if type(app.json) is DefaultJSONProvider:
        app.json = OrjsonProvider(app)
    if type(app).create_url_adapter is Flask.create_url_adapter:
        app.create_url_adapter = UrlAdapters(app)  # type: ignore[method-assign]  # documented as overridable
    if type(app).make_response is Flask.make_response:
        make_other = app.make_response

        def make_response(rv: Any) -> Response:
            # The first that Flask does with a dict or a list, after asking what else it may be.
            kind = type(rv)
            return cast(Response, app.json.response(rv)) if kind is dict or kind is list else make_other(rv)

        app.make_response = make_response  # type: ignore[method-assign]  # documented as overridable
    LeanDispatch(app).install()
    return app

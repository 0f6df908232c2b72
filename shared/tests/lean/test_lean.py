"""What an app has of its own stays its own."""

from __future__ import annotations

from typing import Any

from flask import (
    Flask,
    Request,
    Response,
)
from flask.json.provider import DefaultJSONProvider
from vitrine_kit.lean import LeanRequest, LeanResponse, OrjsonProvider, make_lean


def test_what_an_app_has_of_its_own_stays() -> None:
    class OwnRequest(Request):
        pass

    class OwnResponse(Response):
        pass

    class OwnProvider(DefaultJSONProvider):
        pass

    class OwnFlask(Flask):
        request_class = OwnRequest
        response_class = OwnResponse
        json_provider_class = OwnProvider

        def create_url_adapter(self, request: Any) -> Any:
            return super().create_url_adapter(request)

        def make_response(self, rv: Any) -> Response:
            return super().make_response(rv)

        def process_response(self, response: Response) -> Response:
            return super().process_response(response)

    app = make_lean(OwnFlask("own"))
    assert app.request_class is OwnRequest
    assert app.response_class is OwnResponse
    assert type(app.json) is OwnProvider
    assert not {"create_url_adapter", "make_response", "process_response"} & set(vars(app))
    extended = Flask("extended")
    extended.dispatch_request = lambda: "of an extension"  # type: ignore[method-assign]  # as Flask-DebugToolbar does
    extended.add_url_rule("/", "index", lambda: "of the view")
    assert make_lean(extended).test_client().get("/").text == "of an extension"
    plain = make_lean(Flask("plain"))
    assert plain.request_class is LeanRequest
    assert plain.response_class is LeanResponse
    assert type(plain.json) is OrjsonProvider

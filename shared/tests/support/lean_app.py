"""An app whose answers are compared with and without the lean forms."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections import OrderedDict, namedtuple
from typing import Any

from flask import (
    Flask,
    Response,
    jsonify,
    redirect,
    request,
    url_for,
)
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

Pair = namedtuple("Pair", ["left", "right"])


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Ratio(float):
    pass


class Shown:
    def __html__(self) -> str:
        return "<b>shown</b>"


JSON_VALUES = [
    {"b": 1, "a": [1, 2.5, None, True], "ä": "größe"},
    [],
    "text",
    {"when": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), "day": datetime.date(2026, 1, 2)},
    {"id": uuid.UUID(int=5), "price": decimal.Decimal("1.10"), "point": Point(1, 2), "html": Shown()},
    {
        "pair": Pair(1, 2),
        "markup": Markup("<i>"),
        "colour": Colour.RED,
        "level": Level.LOW,
        "ratio": Ratio(0.5),
    },
    {"multi": MultiDict([("a", "1"), ("a", "2")]), "ordered": OrderedDict(z=1, a=2)},
    {1: "one", 2: "two"},
    {"big": 2**70, "negative": -(2**70)},
    {"lone": "\ud800"},
]


def build_app() -> Flask:
    app = Flask("lean")
    app.config["TRUSTED_HOSTS"] = None

    @app.get("/json/<int:number>")
    def value(number: int) -> Any:
        return jsonify(JSON_VALUES[number])

    @app.get("/dict")
    def mapping() -> Any:
        return {"b": 1, "a": 2}, 201, {"X-Kind": "dict"}

    @app.get("/text")
    def text() -> Any:
        return Response(["größe ", "and ", "list"], content_type="text/plain; charset=utf-8")

    @app.get("/bytes/<int:status>")
    def raw(status: int) -> Any:
        return Response(b"{}", status=status, mimetype="application/json")

    @app.get("/list")
    def listed() -> Any:
        return [1, 2, 3]

    @app.get("/tuple-body")
    def tuple_body() -> Any:
        return Response((b"a", b"b"), mimetype="text/plain")

    @app.get("/no-length")
    def no_length() -> Any:
        response = Response(["ab"], mimetype="text/plain")
        response.automatically_set_content_length = False
        return response

    @app.get("/stream")
    def stream() -> Any:
        return Response(iter(["a", "b"]))

    @app.get("/redirect")
    def away() -> Any:
        return redirect("/größe?q=ä")

    @app.get("/content-location")
    def content_location() -> Any:
        return Response("x", headers={"Content-Location": "/größe"})

    @app.get("/cookie")
    def cookie() -> Any:
        response = Response("x")
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    @app.get("/etag")
    def etag() -> Any:
        response = Response("content")
        response.set_etag("v1")
        return response.make_conditional(request)

    @app.get("/url/<path:rest>")
    def url(rest: str) -> Any:
        return {
            "rest": rest,
            "host": request.host,
            "root": request.url_root,
            "here": request.url,
            "made": url_for("url", rest="größe", q="1", _external=True),
        }

    @app.get("/slash/")
    def slash() -> Any:
        return "slash"

    return app

"""The lean forms of Flask's per-request work answer exactly as the originals do."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import decimal
import enum
import io
import uuid
from collections import OrderedDict, namedtuple
from typing import Any

import flask.signals
import pytest
from blinker import NamedSignal
from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    after_this_request,
    current_app,
    has_app_context,
    jsonify,
    redirect,
    request,
    session,
    url_for,
)
from flask.ctx import AppContext
from flask.json.provider import DefaultJSONProvider
from markupsafe import Markup
from vitrine_kit.lean import LeanRequest, LeanResponse, OrjsonProvider, make_lean
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


@pytest.fixture(scope="module")
def clients() -> tuple[Any, Any]:
    return build_app().test_client(), make_lean(build_app()).test_client()


@pytest.mark.parametrize("number", range(len(JSON_VALUES)))
def test_json_means_the_same(clients: tuple[Any, Any], number: int) -> None:
    original, lean = (client.get(f"/json/{number}") for client in clients)
    assert lean.status_code == original.status_code
    assert lean.mimetype == original.mimetype
    assert lean.get_json() == original.get_json()
    assert list(lean.get_json() or []) == list(original.get_json() or [])


def test_the_order_of_keys_follows_the_setting() -> None:
    app = make_lean(Flask("order"))
    assert app.json.dumps({"b": 1, "a": 2}) == '{"a":2,"b":1}'
    app.json.sort_keys = False  # type: ignore[attr-defined]  # an attribute of Flask's own provider
    assert app.json.dumps({"b": 1, "a": 2}) == '{"b":1,"a":2}'
    assert app.json.dumps({"a": 1}, indent=1) == '{\n "a": 1\n}'
    assert app.json.loads('{"a": 1}') == {"a": 1}


def test_what_has_no_json_form_is_an_error_as_before() -> None:
    app = make_lean(Flask("errors"))
    with pytest.raises(TypeError, match="not JSON serializable"):
        app.json.dumps({"a": object()})


def test_debug_mode_indents_as_before() -> None:
    app = make_lean(build_app())
    app.debug = True
    assert app.test_client().get("/list").data == b"[\n  1,\n  2,\n  3\n]\n"


PATHS = [
    "/dict",
    "/text",
    "/list",
    "/tuple-body",
    "/no-length",
    "/stream",
    "/redirect",
    "/content-location",
    "/cookie",
    "/etag",
    "/bytes/200",
    "/bytes/204",
    "/bytes/304",
    "/bytes/418",
    "/bytes/799",
    "/slash",
    "/slash/",
    "/nowhere",
    "/url/a/b",
    "/url/gr%C3%B6%C3%9Fe?q=%C3%A4",
    "//double",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_answers_are_the_same(clients: tuple[Any, Any], path: str, method: str) -> None:
    for _ in range(2):  # the second time from what was remembered of the first
        original, lean = (client.open(path, method=method) for client in clients)
        assert lean.status == original.status
        assert sorted(_plain(lean)) == sorted(_plain(original))
        if original.mimetype == "application/json" and original.data:
            assert lean.get_json() == original.get_json()
        else:
            assert lean.data == original.data


def _plain(response: Any) -> list[tuple[str, str]]:
    # JSON is written without spaces and newline by the one and not the other: its length differs.
    skipped = ("Content-Length",) if response.mimetype == "application/json" else ()
    return [(name, value) for name, value in response.headers if name not in skipped]


@pytest.mark.parametrize(
    "base_url",
    [
        "http://shop.example",
        "https://shop.example:443",
        "http://shop.example:8080",
        "http://[::1]:8080",
        "https://SHOP.example",
        "http://bad_host",
        "http://shop.example/mount",
        "http://shop.example/gr%C3%B6%C3%9Fe",
    ],
)
def test_hosts_and_mounts_are_the_same(clients: tuple[Any, Any], base_url: str) -> None:
    for _ in range(2):
        original, lean = (client.get("/url/x", base_url=base_url) for client in clients)
        assert (lean.status, lean.get_json()) == (original.status, original.get_json())


def test_trusted_hosts_are_held() -> None:
    app = make_lean(build_app())
    client = app.test_client()
    assert client.get("/list", base_url="http://evil.example").status_code == 200
    app.config["TRUSTED_HOSTS"] = ["shop.example"]
    assert client.get("/list", base_url="http://evil.example").status_code == 400
    assert client.get("/list", base_url="http://shop.example").status_code == 200


def test_only_so_many_hosts_are_remembered() -> None:
    app = make_lean(build_app())
    client = app.test_client()
    for number in range(100):
        assert (
            client.get("/url/x", base_url=f"http://host-{number}.example").json["host"]
            == f"host-{number}.example"
        )
    assert len(app.create_url_adapter._known) == 64  # type: ignore[attr-defined]  # what is looked at here


def test_urls_outside_of_a_request_need_a_server_name_as_before() -> None:
    app = make_lean(build_app())
    with app.app_context(), pytest.raises(RuntimeError, match="SERVER_NAME"):
        url_for("mapping")
    app.config["SERVER_NAME"] = "shop.example"
    with app.app_context():
        assert url_for("mapping") == "http://shop.example/dict"


def test_callbacks_on_close_run() -> None:
    closed = []
    app = make_lean(Flask("closes"))

    @app.get("/")
    def index() -> Response:
        response = app.make_response({"a": 1})
        response.call_on_close(lambda: closed.append(True))
        return response

    with app.test_client() as client:
        client.get("/").close()
    assert closed == [True]


def test_uploaded_files_are_closed_after_the_request() -> None:
    app = make_lean(Flask("uploads"))
    streams = []

    @app.post("/")
    def take() -> list[str]:
        streams.append(request.files["one"].stream)
        return [request.files["one"].read().decode()]

    answer = app.test_client().post("/", data={"one": (io.BytesIO(b"text"), "one.txt")})
    assert answer.json == ["text"]
    assert [stream.closed for stream in streams] == [True]


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

        def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
            super().do_teardown_appcontext(exc)

    app = make_lean(OwnFlask("own"))
    assert app.request_class is OwnRequest
    assert app.response_class is OwnResponse
    assert type(app.json) is OwnProvider
    assert not {"create_url_adapter", "make_response", "process_response"} & set(vars(app))
    assert type(app.app_context()) is AppContext
    extended = Flask("extended")
    extended.dispatch_request = lambda: "of an extension"  # type: ignore[method-assign]  # as Flask-DebugToolbar does
    extended.add_url_rule("/", "index", lambda: "of the view")
    assert make_lean(extended).test_client().get("/").text == "of an extension"
    plain = make_lean(Flask("plain"))
    assert plain.request_class is LeanRequest
    assert plain.response_class is LeanResponse
    assert type(plain.json) is OrjsonProvider


ENVIRONS = [
    {},
    {"QUERY_STRING": "q=%C3%A4", "PATH_INFO": "//gr\xc3\xb6\xc3\x9fe", "SCRIPT_NAME": "/mount/"},
    {"SERVER_PORT": ""},
    {"SERVER_PORT": "/run/app.sock"},
    {"REQUEST_METHOD": "post", "wsgi.url_scheme": "https", "REMOTE_ADDR": "192.0.2.1"},
]


@pytest.mark.parametrize("changes", ENVIRONS)
@pytest.mark.parametrize("shallow", [False, True])
def test_requests_hold_the_same(changes: dict[str, str], shallow: bool) -> None:
    bare = {"REQUEST_METHOD": "GET", "SERVER_NAME": "shop.example", "SERVER_PORT": "8080"}
    environs = [{**bare, **changes} for _ in range(2)]
    original, lean = (
        kind(environ, shallow=shallow) for kind, environ in zip((Request, LeanRequest), environs, strict=True)
    )
    held = [dict(vars(one), headers=list(one.headers), environ=set(one.environ)) for one in (original, lean)]
    assert held[0] == held[1]
    assert lean.environ.get("werkzeug.request") is (None if shallow else lean)
    assert LeanRequest({}).server is None


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


def test_only_paths_written_like_a_rule_are_remembered() -> None:
    app = make_lean(build_app())
    client = app.test_client()
    for method in ("POST", "GET", "get", "HEAD"):  # the first request makes the host known
        for path in ("/list", "//list", "/url/x", "/nowhere", "/slash"):
            client.open("/", environ_overrides={"PATH_INFO": path, "REQUEST_METHOD": method})
    ((_, _, matches),) = app.create_url_adapter._known.values()  # type: ignore[attr-defined]  # what is looked at here
    assert set(matches) == {("/list", "GET"), ("/list", "HEAD")}


def test_what_a_view_does_to_its_arguments_ends_with_the_request() -> None:
    app = make_lean(Flask("arguments"))

    @app.get("/")
    def index() -> Any:
        found = list(request.view_args or ())
        request.view_args["left"] = 1  # type: ignore[index]  # a dict during a request
        return found

    client = app.test_client()
    assert [client.get("/").json for _ in range(3)] == [[], [], []]


def test_contexts_of_an_app_may_be_nested_and_popped_in_order_only() -> None:
    app = make_lean(Flask("nested"))
    outer, inner = app.app_context(), app.app_context()
    outer.push()
    outer.push()
    inner.push()
    with pytest.raises(AssertionError, match="Popped wrong app context"):
        outer.pop()
    assert current_app.name == "nested"
    outer.pop()
    assert not has_app_context()

"""Lean routing finds and makes the URLs that Werkzeug's own does."""

from __future__ import annotations

from typing import Any

import pytest
from flask import (
    Flask,
    request,
    url_for,
)
from lean_app import build_app
from vitrine_kit.lean import make_lean
from werkzeug.routing import BuildError, Rule


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


def test_only_paths_written_like_a_rule_are_remembered() -> None:
    app = make_lean(build_app())
    client = app.test_client()
    for method in ("POST", "GET", "get", "HEAD"):  # the first request makes the host known
        for path in ("/list", "//list", "/url/x", "/nowhere", "/slash"):
            client.open("/", environ_overrides={"PATH_INFO": path, "REQUEST_METHOD": method})
    ((_, _, matches),) = app.create_url_adapter._known.values()  # type: ignore[attr-defined]  # what is looked at here
    assert set(matches) == {("/list", "GET"), ("/list", "HEAD")}


URLS = [
    ("plain", {}),
    ("plain", {"q": "größe", "many": ["1", "2"]}),
    ("one", {"number": 3}),
    ("one", {"number": 3, "_external": True, "_scheme": "https", "_anchor": "x"}),
    ("rest", {"rest": "a b/c", "self": "s", "rule": "r"}),
    ("paged", {}),
    ("paged", {"page": 1}),
    ("paged", {"page": 2, "size": 5}),
    ("one", {}),
    ("unknown", {}),
]


@pytest.mark.parametrize(("endpoint", "values"), URLS)
def test_urls_are_the_same(endpoint: str, values: dict[str, Any]) -> None:
    made = []
    for make in (lambda app: app, make_lean):
        app = make(Flask("urls"))
        for rule, name, defaults in (
            ("/plain", "plain", None),
            ("/one/<int:number>", "one", None),
            ("/rest/<path:rest>", "rest", None),
            ("/paged", "paged", {"page": 1}),
            ("/paged/<int:page>", "paged", None),
        ):
            app.add_url_rule(rule, name, str, defaults=defaults)
        with app.test_request_context("/plain", base_url="http://shop.example/mount"):
            for _ in range(2):  # the second time with what was compiled for the first
                try:
                    made.append(url_for(endpoint, **values))
                except BuildError as error:
                    made.append(str(error))
    assert made[0] == made[1] == made[2] == made[3]


def test_what_makes_urls_is_compiled_when_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    original = Rule._compile_builder

    def note(rule: Rule, append_unknown: bool = True) -> Any:
        compiled.append(rule.rule)
        return original(rule, append_unknown)

    monkeypatch.setattr(Rule, "_compile_builder", note)
    app = make_lean(build_app())
    compiled.clear()
    app.add_url_rule("/later", "later", lambda: url_for("later"))
    assert compiled == []
    assert [app.test_client().get("/later").text for _ in range(3)] == ["/later"] * 3
    assert compiled == ["/later"]


def test_what_a_view_does_to_its_arguments_ends_with_the_request() -> None:
    app = make_lean(Flask("arguments"))

    @app.get("/")
    def index() -> Any:
        found = list(request.view_args or ())
        request.view_args["left"] = 1  # type: ignore[index]  # a dict during a request
        return found

    client = app.test_client()
    assert [client.get("/").json for _ in range(3)] == [[], [], []]

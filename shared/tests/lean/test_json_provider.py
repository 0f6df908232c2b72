"""The lean JSON provider writes what Flask's own does."""

from __future__ import annotations

from typing import Any

import pytest
from flask import (
    Flask,
)
from lean_app import JSON_VALUES, build_app
from vitrine_kit.lean import make_lean


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

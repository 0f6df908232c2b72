"""JSON written by orjson, as Flask's own provider would write it."""

from __future__ import annotations

from typing import Any, cast

import orjson
from flask import Response
from flask.json.provider import DefaultJSONProvider

# Flask writes these types in ways of its own; and a MultiDict is a dict of lists only to those who look inside.
_JSON_OPTIONS = (
    orjson.OPT_NON_STR_KEYS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


class OrjsonProvider(DefaultJSONProvider):
    """Writes Flask's JSON with orjson: the same types and the same order of keys, in UTF-8 without escapes.

    What orjson refuses (integers beyond 64 bits, lone surrogates) the original writes; in debug mode it
    writes everything, indented.
    """

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        if kwargs:
            return super().dumps(obj, **kwargs)
        return self._encode(obj).decode()

    def response(self, *args: Any, **kwargs: Any) -> Response:
        if self._app.debug:
            return cast(Response, super().response(*args, **kwargs))
        body = self._encode(self._prepare_response_obj(args, kwargs))
        make_response = cast("type[Response]", self._app.response_class)
        return make_response(body, mimetype=self.mimetype)

    def _encode(self, obj: Any) -> bytes:
        option = _JSON_OPTIONS | orjson.OPT_SORT_KEYS if self.sort_keys else _JSON_OPTIONS
        try:
            return orjson.dumps(obj, self._write_other, option)
        except TypeError:
            return super().dumps(obj).encode()

    def _write_other(self, value: Any) -> Any:
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, dict):
            return dict(value.items())
        if isinstance(value, (list, tuple)):
            return list(value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return float(value)
        return self.default(value)

"""The URL map bound to requests: what depends on scheme and host, and on a path without arguments, is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from werkzeug.routing import MapAdapter, Rule

from vitrine_kit.lean.wrappers import wsgi_text

_MOST_HOSTS = 64

_AS_FLASK_ASKS = {"return_rule": True}

Matches = dict[tuple[str, str], Rule]


class LeanRule(Rule):
    """Compiles the two functions that make its URLs when the first is asked for: a service makes few of its own.

    They are most of what it costs to make an app (src: `werkzeug.routing.rules.Rule.compile`).
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_now = super()._compile_builder
        name = "_build_unknown" if append_unknown else "_build"

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            compiled = compile_now(append_unknown).__get__(rule, None)
            setattr(rule, name, compiled)
            return compiled(**values)  # type: ignore[no-any-return]  # a function just bound

        return build


class LeanMapAdapter(MapAdapter):
    """Remembers which rule a path without arguments leads to; `matches` is shared by the requests to one host."""

    def __init__(self, matches: Matches, *bound: Any) -> None:
        super().__init__(*bound)
        self._matches = matches

    def match(self, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs != _AS_FLASK_ASKS:
            return super().match(*args, **kwargs)
        key = self.path_info, self.default_method
        rule = self._matches.get(key)
        if rule is not None:
            return rule, {}
        rule, view_args = found = super().match(return_rule=True)
        # Only what is written as the rule is: so there are no more of them than rules and methods.
        if not view_args and rule.rule == self.path_info and self.default_method in (rule.methods or ()):
            self._matches[key] = rule
        return found


class UrlAdapters:
    """Binds the URL map to a request; what depends on scheme and host alone is worked out once for each."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._original = app.create_url_adapter
        self._config = app.config
        self._known: dict[tuple[str, str], tuple[str, MapAdapter, Matches]] = {}

    def __call__(self, request: Request | None) -> MapAdapter | None:
        config = self._config
        if request is None:
            return self._original(None) if config["SERVER_NAME"] is not None else None
        environ = request.environ
        host = environ.get("HTTP_HOST")
        if (
            host is None
            or "HTTP_UPGRADE" in environ
            or config["TRUSTED_HOSTS"] is not None
            or request.trusted_hosts is not None
        ):
            return self._original(request)
        scheme = environ["wsgi.url_scheme"]
        known = self._known.get((scheme, host))
        if known is None:
            adapter = self._original(request)
            # Only what Werkzeug took for a valid host gets here; clients name hosts, so the number is
            # bounded.
            if adapter is not None and len(self._known) < _MOST_HOSTS:
                self._known[scheme, host] = (request.host, adapter, {})
            return adapter
        request.host, pattern, matches = known
        return LeanMapAdapter(
            matches,
            pattern.map,
            pattern.server_name,
            wsgi_text(environ.get("SCRIPT_NAME", "")),
            pattern.subdomain,
            pattern.url_scheme,
            wsgi_text(environ.get("PATH_INFO", "")),
            environ["REQUEST_METHOD"],
            wsgi_text(environ.get("QUERY_STRING", "")),
        )

"""drheader, a checker of response headers, finds nothing in what any kind of answer carries."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from drheader import Drheader
from drheader.utils import default_rules

pytestmark = pytest.mark.stack

NO_RULES_OF_OURS = {
    "Cache-Control": "public answers are cached; that private ones are not is looked at below",
    "Pragma": "meant HTTP/1.0 caches; Cache-Control says it",
    "Server": "says nginx, without a version: leaving it out takes a module of its own",
    "Strict-Transport-Security": "over https only; this stack speaks http (ops/tests/nginx/test_headers.py has both)",
    "X-XSS-Protection": "no browser heeds it any more; the content policy does what it did",
}
PUBLIC = [
    "/",
    "/search?q=chair",
    "/p/none",
    "/api/catalog/v1/products",
    "/api/catalog/v1/none",
    "/static/none",
]
PRIVATE = [
    "/sign-in",
    "/register",
    "/forgot-password",
    "/account",
    "/studio",
    "/api/users/v1/me",
    "/sign-in/link/none",
]


def findings(answer: httpx.Response) -> list[dict[str, Any]]:
    """What drheader's own rules have against an answer, less those that are no rules of ours."""
    rules = {name: rule for name, rule in default_rules().items() if name not in NO_RULES_OF_OURS}
    headers: dict[str, Any] = {**answer.headers, "set-cookie": answer.headers.get_list("set-cookie")}
    found: list[dict[str, Any]] = Drheader(headers=headers).analyze(rules)
    return found


@pytest.mark.parametrize("path", [*PUBLIC, *PRIVATE])
def test_rule_33_no_answer_lacks_a_header_that_protects_its_reader(stack: Any, path: str) -> None:
    answer = httpx.get(f"{stack.url}{path}")
    assert findings(answer) == []


@pytest.mark.parametrize("path", PRIVATE)
def test_rule_33_what_concerns_one_person_is_kept_by_no_cache(stack: Any, path: str) -> None:
    assert "no-store" in httpx.get(f"{stack.url}{path}").headers["cache-control"]


def test_the_checker_finds_what_is_missing() -> None:
    bare = httpx.Response(200, headers={"Content-Security-Policy": "default-src 'self' 'unsafe-inline'"})
    rules = {finding["rule"] for finding in findings(bare)}
    assert {"X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy"} <= rules
    assert any(rule.startswith("Content-Security-Policy") for rule in rules)

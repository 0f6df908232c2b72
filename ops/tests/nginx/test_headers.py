"""What Nginx takes from a request's headers and what it adds to an answer's."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import httpx
import pytest
from nginx_edge import CHECKOUT, Edge, running


def test_internal_and_forwarding_headers_from_outside_are_replaced(edge: Edge) -> None:
    lies = {
        "X-Vitrine-Service": "forged",
        "X-Request-Timeout-Ms": "999999",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=203.0.113.9",
        "X-Real-IP": "203.0.113.9",
        "Proxy": "http://evil.example",
        "X_Vitrine_Service": "forged",
    }
    httpx.get(f"{edge.url}/api/users/v1/me", headers=lies)
    reached = edge.upstreams["users"].seen[-1]["headers"]
    assert reached["x-request-timeout-ms"] == "5000"
    assert reached["x-forwarded-for"] == reached["x-real-ip"] == "127.0.0.1"
    assert reached["x-forwarded-host"] == reached["host"] == f"127.0.0.1:{edge.port}"
    assert reached["x-forwarded-proto"] == "http"
    for name in ("x-vitrine-service", "x_vitrine_service", "x-forwarded-prefix", "forwarded", "proxy"):
        assert name not in reached


def test_every_internal_header_the_kit_knows_is_stripped() -> None:
    known: set[str] = set()
    for path in [
        *(CHECKOUT / "shared" / "src").rglob("*.py"),
        *(CHECKOUT / "services").glob("*/src/**/*.py"),
    ]:
        known |= {
            name.lower() for name in re.findall(r"X-Vitrine-[A-Za-z-]+", path.read_text(encoding="utf-8"))
        }
    stripped = (CHECKOUT / "nginx" / "snippets" / "proxy.conf").read_text(encoding="utf-8").lower()
    assert known
    for name in known:
        assert f'proxy_set_header {name} "";' in stripped


@pytest.mark.parametrize("given", ["abcdefgh", "0190f8a2-7c1e-7f3a-8a2b-1c2d3e4f5a6b", "A.b_c-9" * 9])
def test_a_sane_request_id_is_kept_and_returned(edge: Edge, given: str) -> None:
    answer = httpx.get(f"{edge.url}/api/users/v1/me", headers={"X-Request-Id": given})
    assert answer.headers.get_list("x-request-id") == [given]
    assert edge.upstreams["users"].seen[-1]["headers"]["x-request-id"] == given


@pytest.mark.parametrize("given", ["short", "x" * 65, 'quo"ted-12345', "spa ced-12345", "<script>alert", ""])
def test_any_other_request_id_is_replaced(edge: Edge, given: str) -> None:
    answer = httpx.get(f"{edge.url}/api/users/v1/me", headers={"X-Request-Id": given})
    made = answer.headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert edge.upstreams["users"].seen[-1]["headers"]["x-request-id"] == made


def test_a_page_keeps_its_own_security_headers_and_gets_the_missing_ones_once(edge: Edge) -> None:
    policy = "default-src 'self'"
    edge.upstreams["gateway"].answer = lambda _request: (
        200,
        {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"},
        b"",
    )
    headers = httpx.get(f"{edge.url}/own").headers
    assert headers.get_list("content-security-policy") == [policy]
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    assert headers.get_list("referrer-policy") == ["strict-origin-when-cross-origin"]
    assert headers.get_list("x-frame-options") == ["DENY"]
    assert "strict-transport-security" not in headers
    assert headers["server"] == "nginx"


def test_an_api_answer_may_not_be_framed_nor_run(edge: Edge) -> None:
    headers = httpx.get(f"{edge.url}/api/users/v1/me").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]


def test_no_policy_allows_more_inline_style_than_that_of_the_error_pages(edge: Edge) -> None:
    pages = sorted((CHECKOUT / "nginx" / "errors").glob("*.html"))
    styles = {
        style
        for page in pages
        for style in re.findall(r"<style>(.*?)</style>", page.read_text(encoding="utf-8"), re.DOTALL)
    }
    digests = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]
    policy = httpx.get(f"{edge.url}/static/none").headers["content-security-policy"]
    assert len(pages) >= 5
    assert re.findall(r"'sha256-(.*?)'", policy) == digests
    assert "unsafe" not in policy


def test_over_https_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    with running(tmp_path, public_url="https://shop.example") as edge:
        answers = [httpx.get(f"{edge.url}{path}") for path in ("/", "/static/css/site.css", "/static/none")]
    assert {answer.headers["strict-transport-security"] for answer in answers} == {
        "max-age=31536000; includeSubDomains"
    }

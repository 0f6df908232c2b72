"""How browsers are named to their owners."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vitrine_gateway.browsers import name_of

MOZILLA = "Mozilla/5.0"
LIKE = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"{MOZILLA} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            f"{MOZILLA} (Windows NT 10.0; Win64; x64) {LIKE} Chrome/142.0.0.0 Safari/537.36",
            "Chrome on Windows",
        ),
        (f"{MOZILLA} (Windows NT 10.0) {LIKE} Chrome/142.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
        (
            f"{MOZILLA} (Linux; Android 15; Pixel 9) {LIKE} Chrome/142.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            f"{MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
            "Safari on Mac",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("stock-sync/2 (nightly; +https://shop.example)", "stock-sync/2"),
        ("", "Unknown device"),
        (None, "Unknown device"),
    ],
)
def test_a_browser_is_named_as_its_owner_would(user_agent: str | None, name: str) -> None:
    assert name_of(user_agent) == name


@given(st.text(max_size=300))
def test_whatever_is_sent_has_a_name(text: str) -> None:
    assert name_of(text)

"""Settings come from the environment and from files it names."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from vitrine_kit.settings import ServiceSettings

SECRET = "x" * 32


def test_a_missing_or_short_secret_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VITRINE_SECRET_KEY", raising=False)
    with pytest.raises(ValidationError, match="secret_key"):
        ServiceSettings()
    monkeypatch.setenv("VITRINE_SECRET_KEY", "short")
    with pytest.raises(ValidationError, match="at least 32"):
        ServiceSettings()


def test_a_secret_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VITRINE_SECRET_KEY", raising=False)
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n", encoding="utf-8")
    monkeypatch.setenv("VITRINE_SECRET_KEY_FILE", str(file))
    found = ServiceSettings()
    assert found.secret_key.get_secret_value() == SECRET
    assert SECRET not in repr(found)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET, encoding="utf-8")
    monkeypatch.setenv("VITRINE_SECRET_KEY_FILE", str(file))
    monkeypatch.setenv("VITRINE_SECRET_KEY", "y" * 32)
    assert ServiceSettings().secret_key.get_secret_value() == "y" * 32


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("https://shop.example", True),
        ("http://localhost:8080", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://192.168.1.5:8080", False),
        ("http://localhost.example:80", False),
    ],
)
def test_secure_cookies_need_https_or_the_loopback(url: str, secure: bool) -> None:
    assert ServiceSettings(secret_key=SECRET, public_url=url).secure_cookies is secure


@pytest.mark.parametrize(
    "url", ["shop.example", "ftp://shop.example", "https://shop.example/path", "https://shop.example/"]
)
def test_a_malformed_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="public_url"):
        ServiceSettings(secret_key=SECRET, public_url=url)

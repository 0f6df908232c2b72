"""The words of mails: in four languages, as text and as HTML, and never with somebody's markup in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from jinja2 import UndefinedError
from vitrine_users.mail.outbox import standing_facts
from vitrine_users.mail.rendering import LOCALES, TEMPLATES, locale_of, render
from vitrine_users.settings import UsersSettings

AT = datetime(2026, 5, 12, 9, 30, tzinfo=UTC)
LINK = "http://localhost:8080/verify-email/abc?a=1&b=2"


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Whatever any template takes."""
    settings = UsersSettings(
        environment="test",
        secret_key="a test's own secret, long enough for all",
        shop_name="Nut & Bolt",
        public_url="http://localhost:8080",
    )
    return {
        **standing_facts(settings),
        "name": "Ann <b>",
        "link": LINK,
        "valid_s": 1800,
        "at": AT,
        "time_zone": "Europe/Berlin",
        "new_address": "new@example.org",
        "old_address": "old@example.org",
        "kind": "passkey",
        "label": "Laptop <i>",
        "count": 10,
        "left": 3,
        "address": "203.0.113.7",
        "user_agent": "Firefox <script>",
        "scopes": ["catalog:write", "catalog:import"],
        "expires_at": AT,
        "inviter": "Olive <u>",
        "erase_at": AT,
    }


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_mail_is_whole_in_every_language(facts: dict[str, Any], template: str, locale: str) -> None:
    letter = render(template, locale, facts)

    assert 5 < len(letter.subject) < 80
    assert "\n" not in letter.subject
    for text in (letter.text, letter.html):
        assert "{{" not in text
        assert "{%" not in text
        assert "None" not in text
    assert "Nut & Bolt" in letter.text
    assert "Nut &amp; Bolt" in letter.html
    assert f'<html lang="{locale}">' in letter.html
    assert not [tag for tag in ("<b>", "<i>", "<u>", "<script>") if tag in letter.html]
    assert "\n\n\n\n" not in letter.text
    assert letter.text.count("http://localhost:8080") >= 2, "the button's address, and the shop's"


@pytest.mark.parametrize("template", TEMPLATES)
def test_languages_differ(facts: dict[str, Any], template: str) -> None:
    subjects = {render(template, locale, facts).subject for locale in LOCALES}

    assert len(subjects) == len(LOCALES)


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_a_caller_leaves_out_leaves_no_hole(facts: dict[str, Any], template: str) -> None:
    standing = {name: facts[name] for name in ("link", "valid_s", "new_address", "old_address", "erase_at")}
    settings = UsersSettings(environment="test", secret_key="a test's own secret, long enough for all")

    letter = render(template, "en", {**standing_facts(settings), **standing})

    assert "Hello," in letter.text
    assert "()" not in letter.text
    assert " ." not in letter.text


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("de", "de"),
        ("de-CH", "de"),
        ("FR_fr", "fr"),
        ("es-419", "es"),
        ("tlh", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_a_language_we_lack_falls_back_to_english(wanted: str | None, found: str) -> None:
    assert locale_of(wanted) == found


@pytest.mark.parametrize(
    ("locale", "moment", "lasting"),
    [
        ("en", "May 12, 2026, 11:30", "30 minutes"),
        ("de", "12. Mai 2026, 11:30 MESZ", "30 Minuten"),
        ("fr", "12 mai 2026, 11:30", "30 minutes"),
        ("es", "12 de mayo de 2026, 11:30", "30 minutos"),
    ],
)
def test_times_are_written_as_the_reader_does(
    facts: dict[str, Any], locale: str, moment: str, lasting: str
) -> None:
    assert moment in render("password-changed", locale, facts).text
    assert lasting in render("reset", locale, facts).text


def test_an_unknown_time_zone_is_no_obstacle(facts: dict[str, Any]) -> None:
    assert "09:30 UTC" in render("password-changed", "en", {**facts, "time_zone": "Mars/Olympus"}).text


def test_the_link_stands_alone_and_whole_in_the_text(facts: dict[str, Any]) -> None:
    letter = render("verify", "en", facts)

    assert LINK in letter.text.split("\n")
    assert f'href="{LINK.replace("&", "&amp;")}"' in letter.html


def test_misuse_fails_loudly(facts: dict[str, Any]) -> None:
    with pytest.raises(LookupError):
        render("no-such-mail", "en", facts)
    without = {name: value for name, value in facts.items() if name != "link"}
    with pytest.raises(UndefinedError):
        render("verify", "en", without)

"""The settings of mail: by parts or as one address, refused early when they cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from vitrine_users.mail.settings import SmtpServer
from vitrine_users.settings import UsersSettings

SECRET = "a test's own secret, long enough for all"


def settings_with(**values: Any) -> UsersSettings:
    return UsersSettings(environment="test", secret_key=SECRET, **values)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 587, "starttls")),
        ("smtps://mail.example", SmtpServer("mail.example", 465, "tls")),
        ("smtp://mail.example:2525?tls=none", SmtpServer("mail.example", 2525, "none")),
        ("smtp://a%40b:p%2Fw@mail.example", SmtpServer("mail.example", 587, "starttls", "a@b", "p/w")),
    ],
)
def test_an_address_says_it_all(url: str, server: SmtpServer) -> None:
    settings = settings_with(smtp_url=url, mail_from="Shop <shop@example.org>")

    assert settings.sends_mail
    assert settings.smtp_server() == server


def test_parts_do_as_well_and_the_password_may_lie_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("from a file\n")
    monkeypatch.setenv("VITRINE_SMTP_PASSWORD_FILE", str(tmp_path / "password"))
    settings = settings_with(smtp_host="mail.example", smtp_user="shop", mail_from="shop@example.org")

    assert settings.smtp_server() == SmtpServer("mail.example", 587, "starttls", "shop", "from a file")


@pytest.mark.parametrize(
    "values",
    [
        {"smtp_host": "mail.example"},
        {"smtp_host": "mail.example", "mail_from": "nobody"},
        {"smtp_url": "http://mail.example", "mail_from": "a@b.example"},
        {"smtp_url": "smtp://u:hunter2@", "mail_from": "a@b.example"},
        {"smtp_url": "smtp://u:hunter2@mail.example:x", "mail_from": "a@b.example"},
        {"smtp_url": "smtp://u:hunter2@mail.example?tls=maybe", "mail_from": "a@b.example"},
        {"smtp_url": "smtp://u:hunter2@mail.example?verify=no", "mail_from": "a@b.example"},
    ],
)
def test_what_cannot_work_is_refused_at_the_start_without_telling_the_password(
    values: dict[str, str],
) -> None:
    with pytest.raises(ValidationError) as refused:
        settings_with(**values)

    assert "hunter2" not in str(refused.value)


def test_without_a_server_nothing_is_needed() -> None:
    settings = settings_with()

    assert not settings.sends_mail
    with pytest.raises(ValueError, match="no mail server"):
        settings.smtp_server()

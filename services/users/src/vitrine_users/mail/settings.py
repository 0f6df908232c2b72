"""The settings of mail: which server takes it, and whom it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from typing import Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import Field, SecretStr, model_validator
from vitrine_kit.settings import ServiceSettings

Tls = Literal["starttls", "tls", "none"]
_PORTS: dict[Tls, int] = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over, and how."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = None


class MailSettings(ServiceSettings):
    """How mail leaves; without a server it stays on the studio's outbox page.

    Raises:
        pydantic.ValidationError: a server is set and no sender, or one of the settings is malformed.
    """

    shop_name: str = Field("Vitrine", min_length=1, max_length=60)
    """The name that mails and authenticator apps show."""
    smtp_url: SecretStr | None = None
    """`smtp://user:password@host:port?tls=starttls`, or `smtps://…`; overrides the settings below."""
    smtp_host: str = ""
    smtp_port: int | None = Field(None, ge=1, le=65535)
    """587 with STARTTLS, 465 with TLS, 25 without either, unless it is set."""
    smtp_user: str = ""
    smtp_password: SecretStr | None = None
    smtp_tls: Tls = "starttls"
    mail_from: str = ""
    """The sender, such as `My shop <shop@example.org>`; needed where a server is set."""

    @property
    def sends_mail(self) -> bool:
        """Whether there is a server to hand mail to."""
        return bool(self.smtp_url or self.smtp_host)

    def smtp_server(self) -> SmtpServer:
        """The server to hand mail to.

        Raises:
            ValueError: none is set, or its address cannot be read.
        """
        if self.smtp_url is not None:
            return _read_url(self.smtp_url.get_secret_value())
        if not self.smtp_host:
            raise ValueError("no mail server is set")
        password = self.smtp_password.get_secret_value() if self.smtp_password else None
        port = self.smtp_port or _PORTS[self.smtp_tls]
        return SmtpServer(self.smtp_host, port, self.smtp_tls, self.smtp_user or None, password)

    @model_validator(mode="after")
    def _mail_can_leave(self) -> Self:
        if self.sends_mail:
            self.smtp_server()
            if "@" not in parseaddr(self.mail_from)[1]:
                raise ValueError(
                    "VITRINE_MAIL_FROM must name the sender's address where a mail server is set"
                )
        return self


def _read_url(url: str) -> SmtpServer:
    # The messages hold nothing of the address: it holds a password.
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("VITRINE_SMTP_URL cannot be read") from None
    asked = parse_qs(parts.query)
    tls = asked.pop("tls", ["tls" if parts.scheme == "smtps" else "starttls"])[0]
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or asked or tls not in _PORTS:
        raise ValueError("VITRINE_SMTP_URL must look like smtp://user:password@host:587?tls=starttls")
    kind: Tls = "tls" if tls == "tls" else "none" if tls == "none" else "starttls"
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return SmtpServer(parts.hostname, port or _PORTS[kind], kind, user, password)

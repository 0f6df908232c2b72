"""Turns a template and its facts into a subject, a plain text and an HTML text; sends nothing.

A letter is one file for each language, `templates/<locale>/<name>.jinja`. It fills the blocks of a layout, and is
rendered twice: inside `layout.txt`, which writes plain text, and inside `layout.html`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from babel.dates import format_date, format_time, format_timedelta, get_timezone
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

LOCALES: Final = ("en", "de", "fr", "es")
DEFAULT_LOCALE: Final = "en"
TEMPLATES: Final = (
    "verify",
    "reset",
    "address-taken",
    "address-change-confirm",
    "address-change-requested",
    "address-changed",
    "password-changed",
    "factor-added",
    "factor-removed",
    "recovery-codes-issued",
    "recovery-code-used",
    "token-created",
    "new-sign-in",
    "invitation",
    "deletion-scheduled",
    "webhook-disabled",
)

_PARAGRAPH = Markup('<p style="margin:0 0 16px;font-size:16px;line-height:1.55">{}</p>')
_PARAGRAPH_ENDS = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's words."""

    subject: str
    text: str
    html: str


def locale_of(wanted: str | None) -> str:
    """The language to write in: the one that is wanted where we have it, English otherwise."""
    language = (wanted or "").replace("_", "-").partition("-")[0].lower()
    return language if language in LOCALES else DEFAULT_LOCALE


def render(template: str, locale: str, facts: Mapping[str, Any]) -> Letter:
    """The words of a mail.

    Raises:
        LookupError: there is no such template.
        jinja2.UndefinedError: a fact that the template needs is missing.
    """
    if template not in TEMPLATES:
        raise LookupError(f"no mail template is named {template}")
    language = locale_of(locale)
    name = f"{language}/{template}.jinja"
    values = {"locale": language, **facts}
    letter = _TEXT.get_template(name)
    text = letter.render(values, layout="layout.txt")
    html = _HTML.get_template(name).render(values, layout="layout.html")
    subject = "".join(letter.blocks["subject"](letter.new_context(values)))
    return Letter(" ".join(subject.split()), text.strip() + "\n", html)


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in _PARAGRAPH_ENDS.split(str(text)) if part.strip()]


def _as_text(text: str) -> str:
    return "\n\n".join(_paragraphs(text))


def _as_html(text: str) -> Markup:
    # What comes from a block of an escaping template is Markup already, and stays escaped as it is.
    safe = isinstance(text, Markup)
    parts = (Markup(part) if safe else escape(part) for part in _paragraphs(text))  # noqa: S704 - escaped already
    return Markup("\n").join(_PARAGRAPH.format(part) for part in parts)


def _moment(at: datetime | str, locale: str, time_zone: str = "UTC") -> str:
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    try:
        zone = get_timezone(time_zone)
    except LookupError:
        zone = get_timezone("UTC")
    local = when.astimezone(zone)
    return f"{format_date(local, 'long', locale)}, {format_time(local, 'HH:mm zzz', zone, locale)}"


def _lasting(seconds: int, locale: str) -> str:
    return format_timedelta(seconds, granularity="minute", threshold=1.5, locale=locale)


def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("vitrine_users.mail", "templates"),
        autoescape=html,  # noqa: S701 - plain text has nothing to escape
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=400,
        auto_reload=False,
    )
    environment.filters.update(as_text=_as_text, as_html=_as_html, moment=_moment, lasting=_lasting)
    return environment


_TEXT = _environment(html=False)
_HTML = _environment(html=True)

"""Wire types of pictures that come in; what goes out is `products.schemas.PictureOut`."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints
from vitrine_kit.openapi import Schema

from vitrine_catalog.wire import LINE, Position

MAX_URL_BYTES = 2000
MAX_ALT_CHARS = 1000


def _web_address(url: str) -> str:
    if len(url.encode()) > MAX_URL_BYTES:
        raise ValueError(f"An address may have at most {MAX_URL_BYTES} bytes.")
    try:
        parts = urlsplit(url)
        hostname, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("This is not a web address.") from None
    if parts.scheme not in {"http", "https"} or not hostname or "@" in parts.netloc:
        raise ValueError("Give a web address that begins with http:// or https://, without a user name.")
    return url


Alt = Annotated[str, StringConstraints(max_length=MAX_ALT_CHARS, pattern=LINE)]
WebAddress = Annotated[
    str,
    StringConstraints(max_length=MAX_URL_BYTES, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$"),
    AfterValidator(_web_address),
]


class PictureReference(Schema):
    """A picture that stays where it is: it is shown from its address, which is never fetched here."""

    source_url: WebAddress
    alt: Alt = ""
    position: Position | None = None
    """The place among the product's pictures, 0 being the first; at the end by default."""


class PicturePatch(Schema):
    """A change of a picture as a JSON merge patch: left out keeps, null empties the description."""

    alt: Alt | None = None
    position: Position = Field(default_factory=int)
    """The new place among the product's pictures, 0 being the first; the others move up."""


class PictureTexts(Schema):
    """The fields that may come with an uploaded file."""

    alt: Alt = ""
    position: Position | None = None


UPLOAD_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "JPEG, PNG, WebP, GIF or AVIF; at most 64 MiB and 40 million pixels.",
        },
        "alt": {"type": "string", "maxLength": MAX_ALT_CHARS},
        "position": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
    },
}
"""The form of an upload, as OpenAPI shows it."""

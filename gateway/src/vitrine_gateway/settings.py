"""The gateway's settings: what every service has, and how this shop presents itself."""

from __future__ import annotations

from babel import Locale, UnknownLocaleError
from pydantic import Field, field_validator
from vitrine_kit.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """The gateway's settings; `VITRINE_SHOP_NAME` and friends set them."""

    shop_name: str = Field("Vitrine", min_length=1, max_length=60)
    shop_line: str = Field("Everything in the collection, carefully kept.", max_length=160)
    """One sentence under the shop's name on the home page and in its description for search engines."""
    locale: str = "en_US"
    """How money, numbers and dates are written, as Babel names it: one for all readers, so that pages can be cached."""
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$")
    """The currency offered first where an editor types a price."""
    verdict_s: float = Field(0.0, ge=0, le=5)
    """How long a worker believes what users said about a session; 0 asks at each request, so that a sign-out counts at
    the next one (docs/adr/0008)."""

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str) -> str:
        try:
            Locale.parse(value)
        except (UnknownLocaleError, ValueError) as error:
            raise ValueError(f"Babel knows no locale {value!r}.") from error
        return value

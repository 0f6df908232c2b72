"""Currencies and their minor units (ISO 4217); amounts themselves are plain integers of minor units."""

import iso4217

_EXPONENTS: dict[str, int] = {
    currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None
}

CURRENCY_CODES: tuple[str, ...] = tuple(sorted(_EXPONENTS))
"""Every code that `is_currency` accepts, in order."""

DEFAULT_CURRENCY = "EUR"
"""What an import takes amounts to be in when neither the file nor the person says it."""


def is_currency(code: str) -> bool:
    """Tell whether the code is a currency one can pay in: listed by ISO 4217 with a minor unit."""
    return code in _EXPONENTS


def minor_unit_digits(code: str) -> int:
    """Return how many digits the currency's minor unit has: 2 for EUR, 0 for JPY, 3 for KWD.

    Raises:
        KeyError: it is no currency (see `is_currency`).
    """
    return _EXPONENTS[code]

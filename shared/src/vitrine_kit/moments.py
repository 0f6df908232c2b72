"""Moments as inputs name them: RFC 3339 with an offset, in a range that every table can hold; no answer's times."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)


def _rfc_3339(given: Any) -> Any:
    """Pydantic would also take numbers for seconds since 1970, which the API's document does not offer."""
    if isinstance(given, str) and _RFC_3339.fullmatch(given) is None:
        raise ValueError("Give a moment as in 2026-01-31T12:00:00Z.")
    return given


def _in_range(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("Give a moment between 1970 and 9999.")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_in_range)]
"""A moment in a query or a body."""

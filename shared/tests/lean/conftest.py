"""One client of the app as Flask makes it, one with its lean forms."""

from __future__ import annotations

from typing import Any

import pytest
from lean_app import build_app
from vitrine_kit.lean import make_lean


@pytest.fixture(scope="module")
def clients() -> tuple[Any, Any]:
    return build_app().test_client(), make_lean(build_app()).test_client()

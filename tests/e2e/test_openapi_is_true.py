"""Schemathesis asks both services what their OpenAPI documents promise, in every way it can think of."""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error

pytestmark = pytest.mark.stack

EXAMPLES = int(os.environ.get("VITRINE_FUZZ_EXAMPLES", "6"))
PATIENT = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)


@pytest.fixture(scope="session")
def users_document(stack: Any) -> Any:
    return schemathesis.openapi.from_url(f"{stack.url}/api/users/openapi.json")


@pytest.fixture(scope="session")
def catalog_document(stack: Any) -> Any:
    return schemathesis.openapi.from_url(f"{stack.url}/api/catalog/openapi.json")


@pytest.fixture(scope="session")
def owner(stack: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.token()}"}


users = schemathesis.pytest.from_fixture("users_document")
catalog = schemathesis.pytest.from_fixture("catalog_document")


@users.parametrize()
@PATIENT
def test_users_keeps_its_word(case: Any, owner: dict[str, str]) -> None:
    case.call_and_validate(headers=owner)


@catalog.parametrize()
@PATIENT
def test_catalog_keeps_its_word(case: Any, owner: dict[str, str]) -> None:
    case.call_and_validate(headers=owner)


@catalog.parametrize()
@PATIENT
def test_nothing_a_stranger_sends_breaks_the_catalogue(case: Any) -> None:
    case.call_and_validate(checks=[not_a_server_error])

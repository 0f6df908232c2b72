"""Credentials at the real Nginx: users is asked at each request, and the service sees what users says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from nginx_edge import Edge, running

PERSONAL = "vitrine_pat_" + "a" * 49
SIGNED = "eyJhbGciOiJFZDI1NTE5In0.e30.c2ln"
VERDICT = "/edge/identity"


def judge(edge: Edge, status: int, headers: dict[str, str] | None = None) -> None:
    """Has users give this verdict on whatever credential it is asked about."""
    users = edge.upstreams["users"]

    def answer(request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        return (status, headers or {}, b"") if request["path"] == VERDICT else users.tell(request)

    users.answer = answer


def ask(edge: Edge, path: str, credential: str | None, method: str = "GET", **options: Any) -> httpx.Response:
    headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
    return httpx.request(method, edge.url + path, headers=headers | options.pop("headers", {}), **options)


def asked(edge: Edge) -> list[dict[str, Any]]:
    return [request for request in edge.upstreams["users"].seen if request["path"] == VERDICT]


@pytest.mark.parametrize(
    "path", ["/api/catalog/v1/products", "/api/catalog/v1/imports", "/api/users/v1/me", "/api/users/v1/users"]
)
def test_a_personal_token_is_exchanged_for_a_signed_one(edge: Edge, path: str) -> None:
    judge(edge, 204, {"X-Vitrine-Token": SIGNED})

    assert ask(edge, path, PERSONAL).status_code == 200

    service = "catalog" if "catalog" in path else "users"
    reached = [request for request in edge.upstreams[service].seen if request["path"] == path]
    assert [request["headers"]["authorization"] for request in reached] == [f"Bearer {SIGNED}"]
    assert [request["headers"]["authorization"] for request in asked(edge)] == [f"Bearer {PERSONAL}"]
    assert "x-vitrine-token" not in reached[0]["headers"]


def test_a_body_goes_to_the_service_and_not_with_the_question(edge: Edge) -> None:
    judge(edge, 204, {"X-Vitrine-Token": SIGNED})

    answer = ask(
        edge, "/api/catalog/v1/imports", PERSONAL, "POST", content=b"x" * 5000, headers={"Cookie": "a=b"}
    )

    assert answer.status_code == 200
    question = asked(edge)[0]
    assert (question["method"], question["length"]) == ("GET", 0)
    assert "cookie" not in question["headers"]
    assert edge.upstreams["catalog"].seen[-1]["length"] == 5000


def test_rule_28_the_next_request_after_a_withdrawal_is_refused(edge: Edge) -> None:
    for credential in (PERSONAL, SIGNED):
        judge(edge, 204)
        assert ask(edge, "/api/catalog/v1/products", credential).status_code == 200
        judge(edge, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        edge.upstreams["catalog"].seen.clear()

        refused = ask(edge, "/api/catalog/v1/products", credential)

        assert refused.status_code == 401
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert refused.json()["status"] == 401
        assert edge.upstreams["catalog"].seen == []


def test_a_verdict_is_asked_for_each_request_and_kept_nowhere(edge: Edge) -> None:
    judge(edge, 204, {"Cache-Control": "public, max-age=60", "X-Vitrine-Token": SIGNED})

    for _ in range(3):
        ask(edge, "/api/catalog/v1/products", PERSONAL)

    assert len(asked(edge)) == 3
    for path in (edge.places.run / "nginx").rglob("*"):
        if path.is_file() and not path.name.endswith((".conf", ".html")):
            assert PERSONAL.encode() not in path.read_bytes(), path


def test_a_signed_token_that_is_good_as_it_is_passes_unchanged(edge: Edge) -> None:
    judge(edge, 204)

    ask(edge, "/api/catalog/v1/products", SIGNED)

    assert edge.upstreams["catalog"].seen[-1]["headers"]["authorization"] == f"Bearer {SIGNED}"


def test_users_judges_signed_tokens_itself(edge: Edge) -> None:
    ask(edge, "/api/users/v1/me", SIGNED)

    assert asked(edge) == []
    assert edge.upstreams["users"].seen[-1]["headers"]["authorization"] == f"Bearer {SIGNED}"


def test_nobody_in_particular_costs_users_nothing(edge: Edge) -> None:
    assert ask(edge, "/api/catalog/v1/products", None).status_code == 200

    assert asked(edge) == []


@pytest.mark.parametrize("status", [404, 422, 429, 500, 503])
def test_without_a_verdict_signed_tokens_pass_and_personal_ones_do_not(edge: Edge, status: int) -> None:
    judge(edge, status)

    assert ask(edge, "/api/catalog/v1/products", SIGNED).status_code == 200
    refused = ask(edge, "/api/catalog/v1/products", PERSONAL)

    assert refused.status_code in {502, 503}
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"]


def test_while_users_is_away_signed_tokens_still_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("a")) as edge:
        edge.upstreams["users"].stop()

        assert ask(edge, "/api/catalog/v1/products", SIGNED).status_code == 200
        assert ask(edge, "/api/catalog/v1/products", PERSONAL).status_code in {502, 503}


@pytest.mark.parametrize("path", ["/.identity", "/.identity-of-personal-token", "/edge/identity"])
def test_the_question_cannot_be_asked_from_outside(edge: Edge, path: str) -> None:
    judge(edge, 204, {"X-Vitrine-Token": SIGNED})

    answer = ask(edge, path, PERSONAL)

    assert "X-Vitrine-Token" not in answer.headers
    assert asked(edge) == []


def test_a_forged_answer_in_a_request_means_nothing(edge: Edge) -> None:
    judge(edge, 204)

    ask(edge, "/api/catalog/v1/products", SIGNED, headers={"X-Vitrine-Token": "forged"})

    reached = edge.upstreams["catalog"].seen[-1]["headers"]
    assert reached["authorization"] == f"Bearer {SIGNED}"
    assert "x-vitrine-token" not in reached

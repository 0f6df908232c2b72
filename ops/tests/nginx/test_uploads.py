"""How large a request may be, and that uploads are streamed on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from nginx_edge import Edge


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/users/v1/me", None),
        ("/sign-in", None),
        ("/api/catalog/v1/imports", "catalog"),
        ("/api/catalog/v1/products/1/pictures", "catalog"),
        ("/studio/imports", "gateway"),
        ("/studio/products/1/pictures", "gateway"),
    ],
)
def test_only_uploads_may_be_large(edge: Edge, path: str, service: str | None) -> None:
    answer = httpx.post(edge.url + path, content=b"x" * 3_000_000)
    if service is None:
        assert answer.status_code == 413
        assert all(one.seen == [] for one in edge.upstreams.values())
    else:
        request = edge.upstreams[service].seen[-1]
        assert request["length"] == 3_000_000
        assert request["headers"]["x-request-timeout-ms"] == "65000"


def test_an_upload_of_unknown_length_is_streamed_on(edge: Edge) -> None:
    def pieces() -> Iterator[bytes]:
        for _piece in range(30):
            yield b"x" * 100_000

    httpx.post(f"{edge.url}/api/catalog/v1/imports", content=pieces())
    assert edge.upstreams["catalog"].seen[-1]["length"] == 3_000_000
    assert edge.upstreams["catalog"].seen[-1]["headers"]["transfer-encoding"] == "chunked"


def test_an_upload_beyond_the_limit_is_refused(edge: Edge) -> None:
    answer = edge.raw("/api/catalog/v1/imports", "POST", {"Content-Length": str(70 * 1024 * 1024)})
    assert answer.status == 413
    assert json.loads(answer.body)["status"] == 413


@pytest.mark.parametrize(
    ("path", "service"), [("/api/users/v1/me/picture", "users"), ("/account/picture", "gateway")]
)
def test_a_persons_picture_may_be_as_large_as_a_photograph(edge: Edge, path: str, service: str) -> None:
    assert httpx.put(edge.url + path, content=b"x" * 3_000_000).status_code == 200
    request = edge.upstreams[service].seen[-1]
    assert request["length"] == 3_000_000
    assert request["headers"]["x-request-timeout-ms"] == "25000"

    assert httpx.put(edge.url + path, content=b"x" * 9_000_000).status_code == 413

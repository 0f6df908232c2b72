"""Static files and pictures, which Nginx serves itself."""

from __future__ import annotations

import json

import httpx
import pytest
from nginx_edge import Edge


def test_static_files_are_served_directly_and_forever_where_the_address_carries_a_version(edge: Edge) -> None:
    for path, lifetime in {
        "/static/css/site.css?v=56b1282c40d4": "public, max-age=31536000, immutable",
        "/static/face.woff2": "public, max-age=31536000, immutable",
        "/static/css/site.css": "public, max-age=3600",
    }.items():
        answer = httpx.get(edge.url + path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == lifetime
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert edge.upstreams["gateway"].seen == []


def test_pictures_are_served_directly_and_can_run_nothing(edge: Edge) -> None:
    answer = httpx.get(f"{edge.url}/media/p.webp")
    assert answer.content == b"picture"
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../nginx.conf",
        "/media/../secrets/users_secret_key",
        "/static/%2e%2e/x",
        "/media..%2fsecrets",
        "/media../secrets",
    ],
)
def test_no_path_leads_out_of_the_folders(edge: Edge, path: str) -> None:
    answer = edge.raw(path)
    if answer.status == 200:  # a path of the shop like any other, then
        assert json.loads(answer.body)["service"] == "gateway"
    else:
        assert answer.status in {400, 404}


def test_a_missing_file_is_a_plain_page_that_nobody_caches(edge: Edge) -> None:
    answer = httpx.get(f"{edge.url}/static/none.css")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    assert "There is nothing here" in answer.text


def test_text_is_compressed_for_who_can_read_it(edge: Edge) -> None:
    answer = httpx.get(f"{edge.url}/static/css/site.css", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert (
        "content-encoding"
        not in httpx.get(f"{edge.url}/static/css/site.css", headers={"Accept-Encoding": "identity"}).headers
    )

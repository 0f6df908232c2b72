"""How often one address may ask."""

from __future__ import annotations

from pathlib import Path

import httpx
from nginx_edge import Edge, running


def test_sign_in_is_limited_for_each_address_and_says_so(tmp_path: Path) -> None:
    with running(tmp_path, limit_loopback=True) as edge, httpx.Client() as client:
        tokens = [client.post(f"{edge.url}/api/users/v1/tokens") for _attempt in range(30)]
        statuses = [answer.status_code for answer in tokens]
        assert statuses[:15] == [200] * 15
        assert 429 in statuses
        refused = tokens[statuses.index(429)]
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"] == "2"
        page = client.post(f"{edge.url}/sign-in")
        assert page.status_code == 429
        assert "One moment" in page.text
        assert client.get(f"{edge.url}/sign-in").status_code == 200
        assert client.get(f"{edge.url}/api/catalog/v1/products").status_code == 200


def test_the_operators_own_machine_is_not_limited(edge: Edge) -> None:
    with httpx.Client() as client:
        assert {client.post(f"{edge.url}/api/users/v1/tokens").status_code for _attempt in range(40)} == {200}

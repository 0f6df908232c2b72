"""One Nginx for each file of tests, and the stand-ins behind it as good as new for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from nginx_edge import Edge, running


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with running(tmp_path_factory.mktemp("n")) as found:
        yield found


@pytest.fixture
def edge(served: Edge) -> Edge:
    """The file's Nginx; its stand-ins have seen nothing and tell who was asked."""
    for one in served.upstreams.values():
        one.seen.clear()
        one.answer = one.tell
    return served

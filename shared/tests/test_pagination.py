"""Cursors come back as they went in, and a forged one is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vitrine_kit.pagination import decode_cursor, encode_cursor
from vitrine_kit.problems import Unprocessable
from vitrine_kit.testing import Keys

NOTES = "/api/notes/v1/notes"
KINDS = [str, int, float, bool, UUID, datetime, str]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)


@given(
    st.tuples(
        texts,
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.uuids(),
        st.datetimes(timezones=st.just(UTC)),
        st.none() | texts,
    )
)
def test_a_cursor_comes_back_as_it_went_in(values: tuple[object, ...]) -> None:
    assert decode_cursor(encode_cursor(values), KINDS) == list(values)


@given(st.text(max_size=1100))
def test_no_text_is_worse_than_unprocessable(text: str) -> None:
    try:
        decode_cursor(text, [UUID])
    except Unprocessable as problem:
        assert problem.errors[0].field == "after"


@pytest.mark.parametrize(
    "values",
    [[1, 2], ["x"], [True], [2**63], [None, 1], [{}]],
)
def test_another_lists_cursor_is_refused(values: list[object]) -> None:
    with pytest.raises(Unprocessable):
        decode_cursor(encode_cursor(values), [int])


def test_nul_and_naive_times_are_refused() -> None:
    with pytest.raises(Unprocessable):
        decode_cursor(encode_cursor(["a\0"]), [str])
    with pytest.raises(Unprocessable):
        decode_cursor(encode_cursor([datetime(2026, 1, 1)]), [datetime])  # noqa: DTZ001 - the point of the test


async def test_walking_the_pages_meets_each_note_once(client: httpx.AsyncClient, keys: Keys) -> None:
    made = set()
    for number in range(7):
        answer = await client.post(NOTES, json={"title": f"n{number}"}, headers=keys.bearer("notes:write"))
        made.add(answer.json()["id"])
    seen: list[str] = []
    address: str | None = f"{NOTES}?limit=3"
    while address:
        found = (await client.get(address)).json()
        seen += [item["id"] for item in found["items"]]
        address = found["next"]
    assert len(seen) == len(set(seen))
    assert made <= set(seen)
    assert seen == sorted(seen)


async def test_a_bad_cursor_names_the_field(client: httpx.AsyncClient) -> None:
    found = await client.get(f"{NOTES}?after={uuid4()}")
    assert found.status_code == 422
    assert found.json()["errors"][0]["field"] == "after"


@pytest.mark.parametrize("kind", [UUID, datetime, str])
def test_a_number_where_a_text_belongs_is_refused(kind: type) -> None:
    with pytest.raises(Unprocessable):
        decode_cursor(encode_cursor([5]), [kind])

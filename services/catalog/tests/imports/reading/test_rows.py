"""Rows are read with their physical lines; a file that breaks its own rules is told where."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vitrine_catalog.imports.reading import rows
from vitrine_catalog.imports.reading.errors import MalformedFile
from vitrine_catalog.imports.reading.rows import RowReader

Write = Callable[[bytes | str], Path]

cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)


def read(path: Path, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    return [(row.line, row.cells) for row in RowReader(path, "utf-8", delimiter)]


def test_a_row_has_the_line_it_starts_on(write: Write) -> None:
    path = write('a,b\n1,"two\nlines"\n\n,\n3,4\r\n')
    assert read(path) == [(1, ["a", "b"]), (2, ["1", "two\nlines"]), (6, ["3", "4"])]


@settings(max_examples=200)
@given(st.lists(st.lists(cells, min_size=1, max_size=4), max_size=6), st.sampled_from([",", ";", "\t", "|"]))
def test_what_a_csv_writer_writes_is_read_back(table: list[list[str]], delimiter: str) -> None:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(table)
    lines = rows._Lines(io.StringIO(stream.getvalue(), newline=""), delimiter)
    assert list(csv.reader(lines, delimiter=delimiter, strict=True)) == table


@pytest.mark.parametrize(
    ("content", "line", "column", "reason"),
    [
        ('a,b\n1,"open\n2,x\n', 2, 3, "never closed"),
        ('a,b\n1,"x"y\n', 2, 6, "'y' follows a closing quote"),
        ('a,b\n"one\ntwo"z,1\n', 3, 5, "opened in line 2, column 1"),
        ("a,b\n1,\0\n", 2, 3, "NUL"),
        ('a\n"x""', 2, 1, "never closed"),
    ],
)
def test_a_fault_is_named_by_line_and_column(
    write: Write, content: str, line: int, column: int, reason: str
) -> None:
    with pytest.raises(MalformedFile) as caught:
        read(write(content))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert reason in caught.value.reason
    assert f"line {line}" in str(caught.value)


def test_rows_before_a_fault_are_sound(write: Write) -> None:
    reader = iter(RowReader(write('a\n1\n"open'), "utf-8", ","))
    assert [next(reader).cells, next(reader).cells] == [["a"], ["1"]]
    with pytest.raises(MalformedFile):
        next(reader)


def test_limits_bound_lines_rows_and_fields(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_LINE_CHARS", 50)
    monkeypatch.setattr(rows, "MAX_RECORD_CHARS", 80)
    monkeypatch.setattr(rows, "MAX_COLUMNS", 5)
    with pytest.raises(MalformedFile, match="line 2, column 51: the line is longer"):
        read(write("a\n" + "x" * 60 + "\n"))
    with pytest.raises(MalformedFile, match="never closed"):
        read(write('a\n"' + ("x" * 40 + "\n") * 5))
    with pytest.raises(MalformedFile, match="6 cells"):
        read(write("a,b\n1,2,3,4,5,6\n"))


def test_a_row_the_file_ends_within_is_marked(write: Write) -> None:
    assert [row.cut_off for row in RowReader(write("a,b\n1,2\n3"), "utf-8", ",")] == [False, False, True]


def test_the_reader_tells_how_far_it_has_come(write: Write) -> None:
    path = write("a,b\n" + "1,2\n" * 10)
    reader = RowReader(path, "utf-8", ",")
    assert len(list(reader)) == 11
    assert reader.bytes_read == path.stat().st_size

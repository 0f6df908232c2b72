"""The encoding of a file is found, and what is no text is refused with the reason."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from vitrine_catalog.imports.reading.encoding import detect_encoding
from vitrine_catalog.imports.reading.errors import MalformedFile, NotACatalogue

Write = Callable[[bytes | str], Path]

GERMAN = "Handle,Title,Vendor\ngrün,Grüne Schüssel für Öl,Töpferei Müller\nweiß,Weiße Tasse,Käthe Groß\n" * 5
CHINESE = (
    "Handle,Title,Vendor\nlamp,红色台灯和蓝色花瓶,北京陶瓷有限公司\nbowl,手工制作的陶瓷碗,上海艺术品商店\n"
    * 10
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_found_with_and_without_a_mark(write: Write, encoding: str) -> None:
    path = write(GERMAN.encode(encoding))
    found = detect_encoding(path)
    assert path.read_bytes().decode(found) == GERMAN


@pytest.mark.parametrize(
    ("text", "encoding"), [(GERMAN, "cp1252"), (CHINESE, "gb18030")], ids=["windows-1252", "gb18030"]
)
def test_legacy_encodings_are_guessed(write: Write, text: str, encoding: str) -> None:
    path = write(text.encode(encoding))
    assert path.read_bytes().decode(detect_encoding(path)) == text


def test_a_broken_byte_in_utf8_is_named_and_not_guessed_away(write: Write) -> None:
    path = write(GERMAN.encode() + b"last,\xff,line\n")
    with pytest.raises(MalformedFile) as caught:
        detect_encoding(path)
    assert (caught.value.line, caught.value.column) == (GERMAN.count("\n") + 1, 6)


def test_a_character_cut_off_at_the_end_is_named(write: Write) -> None:
    with pytest.raises(MalformedFile) as caught:
        detect_encoding(write(GERMAN.encode() + "ü".encode()[:1]))
    assert caught.value.line == GERMAN.count("\n") + 1


def test_a_broken_byte_far_into_a_large_file_is_named(write: Write) -> None:
    text = "grün,für,Öl\n" * 200_000
    with pytest.raises(MalformedFile) as caught:
        detect_encoding(write(text.encode() + b"ab\xffc\n"))
    assert (caught.value.line, caught.value.column) == (200_001, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n\t", "empty"),
        (b"PK\x03\x04whatever", "Excel"),
        (gzip.compress(b"Handle,Title", mtime=0), "gzip"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (bytes(range(256)) * 20, "binary"),
        (b"\x00\x01\x02\x03" * 100, "binary"),
    ],
)
def test_what_is_no_text_is_refused_with_the_reason(write: Write, content: bytes, reason: str) -> None:
    with pytest.raises(NotACatalogue, match=reason):
        detect_encoding(write(content))

"""Files are recognised by their headers, whatever their delimiter; others are refused with reason and line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from vitrine_catalog.imports.reading.errors import MalformedFile, NotACatalogue
from vitrine_catalog.imports.reading.recognise import Catalogue, recognise

Write = Callable[[bytes | str], Path]

OLD = "Handle,Title,Body (HTML),Vendor,Variant Price,Image Src\nlamp,Lamp,<p>x</p>,Us,5,\n"
TEMPLATE = "Title,URL handle,Description,Vendor,SKU,Price,Product image URL\nLamp,lamp,x,Us,L1,5,\n"
WOO = "ID,Type,SKU,Name,Published,Regular price,Categories\n1,simple,L1,Lamp,1,5,Lamps\n"


@pytest.mark.parametrize(
    ("content", "format_"), [(OLD, "shopify"), (TEMPLATE, "shopify-template"), (WOO, "woocommerce")]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_formats_and_delimiters_are_told_apart(
    write: Write, content: str, format_: str, delimiter: str
) -> None:
    found = recognise(write(content.replace(",", delimiter)))
    assert (found.format, found.delimiter, found.header_line) == (format_, delimiter, 1)


def test_headers_may_be_in_any_case_and_spacing(write: Write) -> None:
    assert recognise(write(OLD.replace("Variant Price", "  VARIANT   price "))).format == "shopify"


def test_blank_lines_and_excel_s_separator_line_may_come_first(write: Write) -> None:
    path = write("\nsep=;\n" + OLD.replace(",", ";"))
    found = recognise(path)
    assert (found.header_line, found.delimiter) == (3, ";")
    catalogue = Catalogue(path, found, exponent=2)
    assert [part.record.title for part in catalogue.parts()] == ["Lamp"]
    assert catalogue.rows_read == 1


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("name,age\nAda,36\n", 1, "“name”, “age”"),
        ("\n\nName,Price,Stock\nLamp,5,1\n", 3, "line 3 has “Name”"),
        ("just some words\nand more of them\n", 1, "no catalogue"),
        ("a,b,c,d,e,f,g\n", 1, "and 2 more"),
        (OLD.splitlines()[0] + "\n", 1, "stands alone"),
        ("<html><body>Not found</body></html>\n", 1, "no catalogue"),
        ('{"products": []}', 1, "no catalogue"),
    ],
)
def test_what_is_no_catalogue_is_refused(write: Write, content: str, line: int, reason: str) -> None:
    with pytest.raises(NotACatalogue) as caught:
        recognise(write(content))
    assert caught.value.line == line
    assert reason in caught.value.reason


def test_a_header_that_never_ends_is_malformed(write: Write) -> None:
    with pytest.raises(MalformedFile) as caught:
        recognise(write('"Handle,Title\nx,y\n'))
    assert (caught.value.line, caught.value.column) == (1, 1)


def test_a_fault_in_the_first_row_is_left_to_the_reading(write: Write) -> None:
    path = write(OLD.splitlines()[0] + '\n"lamp')
    with pytest.raises(MalformedFile):
        list(Catalogue(path, recognise(path), exponent=2).parts())

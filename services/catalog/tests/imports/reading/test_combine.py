"""Parts of a product become one, and its variants' attributes its options."""

from vitrine_catalog.imports.reading.combine import combine, content_hash
from vitrine_catalog.imports.reading.records import (
    AttributeRecord,
    PictureRecord,
    ProductRecord,
    VariantRecord,
    dump_record,
    load_record,
)


def variant(*values: str, line: int = 2, **more: object) -> VariantRecord:
    return VariantRecord(line=line, option_values=list(values), **more)  # type: ignore[arg-type]  # a shorthand


def product(**more: object) -> ProductRecord:
    return ProductRecord(line=2, key="a", **more)  # type: ignore[arg-type]  # a shorthand


def test_a_record_survives_staging() -> None:
    record = product(
        title="A",
        categories=[("x", "y")],
        attributes=[AttributeRecord("Size", ["S"], default="S")],
        pictures=[PictureRecord("https://p.example/a", "A", 1)],
        variants=[variant("S", attributes=[("Size", "S")], extra={"a": 1})],
        extra={"attributes": [{"name": "Size"}]},
    )
    assert load_record(dump_record(record)) == record


def test_parts_that_lie_apart_become_one() -> None:
    first = product(
        title="A",
        option_names=["Size"],
        variants=[variant("S")],
        pictures=[PictureRecord("u1"), PictureRecord("u2")],
    )
    later = product(
        variants=[variant("M", line=9)], pictures=[PictureRecord("u2"), PictureRecord("u3")], extra={"k": "v"}
    )
    combined = combine([later, first])
    assert combined.product.title == "A"
    assert [each.option_values for each in combined.product.variants] == [["M"], ["S"]]
    assert [picture.url for picture in combined.product.pictures] == ["u1", "u2", "u3"]
    assert combined.product.extra == {"k": "v"}
    assert combined.problems == []


def test_default_title_means_no_options() -> None:
    combined = combine([product(option_names=["Title"], variants=[variant("Default Title")])])
    assert combined.product.option_names == []
    assert combined.product.variants[0].option_values == []


def test_an_option_may_really_be_called_title() -> None:
    combined = combine([product(option_names=["Title"], variants=[variant("Mr"), variant("Ms")])])
    assert combined.product.option_names == ["Title"]


def test_a_variant_repeated_word_for_word_is_passed_over_and_another_reported() -> None:
    parts = [
        product(option_names=["Size"], variants=[variant("S", price_minor=1)]),
        product(variants=[variant("S", price_minor=1, line=5), variant("S", price_minor=2, line=6)]),
    ]
    combined = combine(parts)
    assert len(combined.product.variants) == 1
    assert combined.failed_variants == 1
    [problem] = combined.problems
    assert (problem.line, problem.severity) == (6, "error")
    assert "line 2" in problem.message


def test_a_missing_option_value_gets_a_stand_in() -> None:
    combined = combine(
        [product(option_names=["Size", "Colour"], variants=[variant("S", "Red"), variant("M", line=3)])]
    )
    assert combined.product.variants[1].option_values == ["M", "Default"]
    assert [(problem.line, problem.field, problem.severity) for problem in combined.problems] == [
        (3, "Colour", "warning")
    ]


def test_option_names_are_told_apart() -> None:
    combined = combine([product(option_names=["Size", "size"], variants=[variant("S", "1")])])
    assert combined.product.option_names == ["Size", "size 2"]


def test_attributes_that_variations_settle_become_options() -> None:
    parent = product(
        title="Tee",
        on_hand=4,
        attributes=[
            AttributeRecord("Colour", ["Red", "Blue"]),
            AttributeRecord("Size", ["S", "M"]),
            AttributeRecord("Care", ["Cold wash"]),
        ],
    )
    variations = [
        product(variants=[variant(attributes=[("Size", ""), ("Colour", "Red")], stock_of_product=True)]),
        product(variants=[variant(attributes=[("Size", "M"), ("Colour", "Blue")], line=3)]),
    ]
    record = combine([parent, *variations]).product
    assert record.option_names == ["Colour", "Size"]
    assert [each.option_values for each in record.variants] == [["Red", "Any"], ["Blue", "M"]]
    assert (record.variants[0].tracked, record.variants[0].on_hand) == (True, 4)
    assert record.variants[1].tracked is False


def test_pictures_go_by_the_positions_given() -> None:
    pictures = [PictureRecord("c"), PictureRecord("b", position=2), PictureRecord("a", position=1)]
    record = combine([product(pictures=pictures)]).product
    assert [(picture.url, picture.position) for picture in record.pictures] == [("a", 0), ("b", 1), ("c", 2)]


def test_the_digest_tells_content_and_currency_but_not_lines() -> None:
    def digest(line: int, price: int, currency: str = "EUR") -> bytes:
        record = ProductRecord(line=line, key="a", variants=[VariantRecord(line=line, price_minor=price)])
        return content_hash(record, currency)

    assert digest(2, 5) == digest(9, 5)
    assert digest(2, 5) != digest(2, 6)
    assert digest(2, 5) != digest(2, 5, "USD")

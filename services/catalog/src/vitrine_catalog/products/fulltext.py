"""How a person's words become a PostgreSQL text query; which products match and how well is `listing` and `search`.

A query is read three ways, any of which may match: as English (so that “dresses” finds “dress”), word by word, and
with its last word as the beginning of one, because people search while they type. Documents hold the
same forms (see the first migration).
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, literal_column
from sqlalchemy.dialects.postgresql import TSQUERY

_ENGLISH: ColumnElement[Any] = literal_column("'pg_catalog.english'::regconfig")
_SIMPLE: ColumnElement[Any] = literal_column("'pg_catalog.simple'::regconfig")
_WORD = re.compile(r"[^\W_]+")
_EXCLUDES = re.compile(r"(^|\s)-\w")


def text_query() -> ColumnElement[Any]:
    """Return the text query as an expression of the parameters that `text_parameters` makes."""

    def words(config: ColumnElement[Any], name: str) -> ColumnElement[Any]:
        return func.websearch_to_tsquery(config, bindparam(name), type_=TSQUERY)

    def beginning(name: str) -> ColumnElement[Any]:
        return func.to_tsquery(_SIMPLE, bindparam(name), type_=TSQUERY)

    both = words(_ENGLISH, "q_english").op("||")(words(_SIMPLE, "q_simple"))
    by_word = words(_ENGLISH, "q_before_word").op("&&")(beginning("q_word"))
    by_token = words(_ENGLISH, "q_before_token").op("&&")(beginning("q_token"))
    return both.op("||")(by_word.self_group()).op("||")(by_token.self_group())


def text_parameters(words: str) -> Mapping[str, str]:
    """Return the parameters of `text_query` for what a person typed.

    The syntax is that of web search: "a phrase", -without, either OR other. No input is an error.
    """
    excludes = _EXCLUDES.search(words) is not None
    found = {
        "q_english": words,
        # Not-this in the plain reading would let a plural slip past the exclusion of its singular.
        "q_simple": "" if excludes else words,
        "q_before_word": "",
        "q_word": "",
        "q_before_token": "",
        "q_token": "",
    }
    plain = _WORD.findall(words)
    if excludes or '"' in words or not plain:
        return found
    *before, last = plain
    if before or len(last) >= 2:
        found |= {"q_before_word": " ".join(before), "q_word": f"'{last}':*"}
    # A SKU or another code: “AB-12/3” begins “ab123x” once its punctuation is gone.
    token = words.split()[-1]
    squeezed = "".join(_WORD.findall(token))
    if len(squeezed) >= 3 and squeezed != last:
        rest = " ".join(_WORD.findall(words.strip()[: -len(token)]))
        found |= {"q_before_token": rest, "q_token": f"'{squeezed}':*"}
    return found

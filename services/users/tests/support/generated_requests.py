"""Hypothesis strategies for requests of any operation in the OpenAPI document: nearly right ones, and anything else."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from scim_world import GROUP, PATCH, SEARCH, USER


class Truth:
    """Stands for the value that is right for whoever asks; `Asker.true_value` knows it."""

    def __repr__(self) -> str:
        return "TRUTH"


TRUTH = Truth()
NASTY = [
    "",
    " ",
    "\0",
    "\ud800",
    "\u202e\u0301",
    "'; DROP TABLE accounts --",
    "../../etc/passwd",
    "%00",
    "{{7*7}}",
    "null",
    "x" * 1100,
    "é" * 129,
    "1e999",
    "0192a000-0000-7000-8000-000000000001",
    "2026-02-30T25:00:00Z",
    "9999-12-31T23:59:59.999999+14:00",
    "0001-01-01T00:00:00-14:00",
]
NUMBERS = [0, -1, 1, 2**31, 2**63, 2**70, -(2**63) - 1, 1e308, -0.0]
texts = st.sampled_from(NASTY) | st.text(max_size=40)
scalars = st.none() | st.booleans() | st.integers() | st.sampled_from(NUMBERS) | texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
segments = texts.filter(lambda text: text not in {"", ".", ".."})
"""What names something below a path, and not the path itself or another."""
mostly_true = st.sampled_from([True, True, True, False])


def one_of_often(usual: st.SearchStrategy[Any], rare: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The usual in three of four cases."""
    return mostly_true.flatmap(lambda is_usual: usual if is_usual else rare)


ATTRIBUTES = [
    "userName",
    "USERNAME",
    "name.familyName",
    "emails.value",
    'emails[type eq "work"].value',
    "active",
    "displayName",
    "externalId",
    "members",
    "members.value",
    "groups",
    "id",
    "meta.created",
    "meta.lastModified",
    "schemas",
    f"{USER}:userName",
    f"{GROUP}:displayName",
    "urn:nobody:knows",
    "a..b",
    "",
]
attributes = one_of_often(st.sampled_from(ATTRIBUTES), texts)
literals = st.sampled_from(
    [
        '"a"',
        '"Ann Example"',
        "true",
        "false",
        "null",
        "7",
        "-1e400",
        '"\\ud800"',
        '"2026-01-01T00:00:00Z"',
        '"',
        "[",
    ]
)
comparisons = st.builds(
    "{} {} {}".format,
    attributes,
    st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "xx"]),
    literals,
) | st.builds("{} pr".format, attributes)
filters = st.recursive(
    comparisons,
    lambda inner: (
        st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or", "AND", ""]), inner)
        | st.builds("not ({})".format, inner)
        | st.builds("({})".format, inner)
        | st.builds("emails[{}]".format, inner)
    ),
    max_leaves=4,
)
names = st.fixed_dictionaries(
    {}, optional={"givenName": scalars, "familyName": scalars, "formatted": scalars}
)
emails = st.lists(
    st.fixed_dictionaries({}, optional={"value": texts, "type": texts, "primary": scalars}) | scalars,
    max_size=3,
)
references = st.lists(
    st.fixed_dictionaries({}, optional={"value": one_of_often(st.just(TRUTH), texts), "$ref": texts})
    | scalars,
    max_size=3,
)


def document(kind: str, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A SCIM document of this schema, mostly with the schema it should name."""
    schemas = one_of_often(st.just([kind]), st.lists(texts, max_size=2) | anything)
    return st.fixed_dictionaries({"schemas": schemas}, optional=members)


def often(value: Any) -> st.SearchStrategy[Any]:
    return one_of_often(st.just(value), anything)


scim_users = document(
    USER,
    userName=often(TRUTH),
    displayName=often("Ann Other"),
    name=one_of_often(names, anything),
    active=often(True),
    emails=one_of_often(emails, anything),
    externalId=anything,
    locale=often("de"),
    timezone=often("Europe/Berlin"),
    preferredLanguage=often("fr"),
    groups=references,
    password=anything,
    id=anything,
    meta=anything,
)
scim_groups = document(
    GROUP, displayName=often(TRUTH), members=one_of_often(references, anything), externalId=anything
)
scim_operations = st.fixed_dictionaries(
    {"op": one_of_often(st.sampled_from(["add", "replace", "remove", "Add", "REPLACE"]), anything)},
    optional={
        "path": one_of_often(attributes | filters, anything),
        "value": anything | names | emails | references,
    },
)
scim_patches = document(PATCH, Operations=one_of_often(st.lists(scim_operations, max_size=3), anything))
windows = st.integers(-2, 300) | anything
scim_searches = document(
    SEARCH,
    filter=one_of_often(filters, anything),
    sortBy=one_of_often(attributes, anything),
    sortOrder=one_of_often(st.sampled_from(["ascending", "descending"]), anything),
    startIndex=windows,
    count=windows,
    attributes=one_of_often(st.lists(attributes, max_size=3), anything),
    excludedAttributes=one_of_often(st.lists(attributes, max_size=3), anything),
)
QUERY = {
    "limit": st.sampled_from(["1", "100", "0", "101", "-1", "1e3", "٣", "9" * 30]),
    "startIndex": st.sampled_from(["1", "0", "-7", "2147483648", "9" * 30, "1.5"]),
    "count": st.sampled_from(["0", "1", "100", "-1", "9" * 30]),
    "filter": filters,
    "sortBy": attributes,
    "attributes": attributes,
    "excludedAttributes": attributes,
    "sortOrder": st.sampled_from(["ascending", "descending", "ASCENDING", "up"]),
    "role": st.sampled_from(["owner", "customer", "nobody"]),
    "email": st.sampled_from(["a@example.com", "@", "ß@straße.example", "a@" + "b" * 300]),
    "since": st.sampled_from(
        ["2026-01-01T00:00:00Z", "2026-01-01", "0001-01-01T00:00:00+14:00", "1e18", "-1"]
    ),
    "until": st.sampled_from(["2026-12-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "253402300800", "now"]),
    "after": st.sampled_from(["", "W10", "WyJhIl0", "bnVsbA", "WzFd", "eyJhIjoxfQ", "%%%", "W251bGxd"]),
    "action": st.sampled_from(["sign_in.succeeded", "account.changed", "%", "_"]),
    "outcome": st.sampled_from(["ok", "refused", "success", "failure"]),
    "everywhere": st.sampled_from(["true", "false", "1", "maybe"]),
    "newest": st.sampled_from(["1", "100", "0", "-1", "9" * 20]),
}
HEADERS = st.sampled_from(["*", '"x"', 'W/"x"', "x", '"a", "b"', "\xff", "", "," * 50, "k" * 300])


def scim_body(path: str, method: str) -> st.SearchStrategy[Any]:
    if path.endswith("/.search"):
        return scim_searches
    if method == "PATCH":
        return scim_patches
    return scim_users if "/Users" in path else scim_groups


def json_body(schema: dict[str, Any], path: str, method: str) -> st.SearchStrategy[Any]:
    """A body whose members are mostly what they should be; now and then one of them, or all of it, is anything."""
    if "/scim/" in path:
        return one_of_often(scim_body(path, method), scim_body(path, method) | anything)
    required = set(schema.get("required", ()))
    kept = {name: often(TRUTH) for name in schema.get("properties", {}) if name in required}
    others = {name: often(TRUTH) for name in schema.get("properties", {}) if name not in required}
    right = st.fixed_dictionaries(
        {name: st.just(TRUTH) for name in kept}, optional={n: st.just(TRUTH) for n in others}
    )
    near = st.fixed_dictionaries(kept, optional={**others, "surprise": anything})
    return st.one_of(right, near, near, st.dictionaries(texts, anything, max_size=4) | anything)


def requests_of(
    operation: dict[str, Any], schema: dict[str, Any], path: str, method: str
) -> st.SearchStrategy[Any]:
    """Requests of one operation: its path parameters, query, headers and body, with TRUTH where it belongs.

    `operation` is the document's, `schema` that of its JSON body with references resolved.
    """
    places: dict[str, dict[str, st.SearchStrategy[Any]]] = {"path": {}, "query": {}, "header": {}}
    for parameter in operation["parameters"]:
        name, place = parameter["name"], parameter["in"]
        if place == "path":
            places[place][name] = one_of_often(st.just(TRUTH), segments | st.uuids().map(str))
        elif place == "query":
            places[place][name] = one_of_often(QUERY.get(name, texts), texts)
        else:
            places[place][name] = HEADERS
    media = next(iter(operation.get("requestBody", {}).get("content", {})), None)
    body: st.SearchStrategy[Any] = st.none()
    if media is not None:
        body = json_body(schema, path, method) if media.endswith("json") else st.binary(max_size=400)
    return st.fixed_dictionaries(
        {
            "path": st.fixed_dictionaries(places["path"]),
            "query": st.fixed_dictionaries({}, optional=places["query"]),
            "header": st.fixed_dictionaries({}, optional=places["header"]),
            "body": body,
            "media": st.just(media),
        }
    )

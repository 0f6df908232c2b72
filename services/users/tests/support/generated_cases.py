"""Sends generated requests to every operation as everybody, and judges each answer by the OpenAPI document."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import requests
import schemathesis
from generated_askers import Asker, everybody
from generated_requests import TRUTH, mostly_true, requests_of
from generated_tally import Tally
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core import NOT_SET
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from users_world import World

CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
LARGEST_CHUNK = 40
"""Requests of one operation and kind that are generated in a row: more learn more of one another, fewer mix better."""
OFTEN_ENOUGH = 2
"""So many times the same request is sent by the same asker: what it is about may have changed in between."""
FOREIGN_SHARE = 10
"""One request in so many is sent by somebody to whom the operation only says no."""
NOT_SENT = frozenset(["content-length", "transfer-encoding", "x-schemathesis-testcaseid"])
"""Headers that are the transport's own business, or Schemathesis's."""
_SENT = requests.Request("GET", "http://localhost/").prepare()


class Explorer:
    """Generates, sends and judges; another `start` makes other requests."""

    def __init__(self, world: World, document: dict[str, Any], *, start: int) -> None:
        load_all_checks()
        self.document = document
        self.enter(world)
        self.address: str | None = None
        """Where every request comes from; each from somewhere else where it is None."""
        self.tally = Tally()
        self.schema = schemathesis.openapi.from_dict(document)
        self.schema.config.generation.update(with_security_parameters=False)  # askers show who they are
        self.operations = [found.ok() for found in self.schema.get_all_operations()]
        self.checks = CHECKS.get_by_names(list(CHECKED))
        self.strict = CHECKS.get_by_names([*CHECKED, "negative_data_rejection"])
        self.loop = asyncio.get_running_loop()
        self.order = random.Random(start)
        self.turn = start * 1_000_003

    def enter(self, world: World) -> None:
        """Goes on with another service that has the same document."""
        self.world = world
        self.askers = everybody(world)

    async def by_schemathesis(self, cases: int) -> None:
        """At least so many requests that Schemathesis makes of the document, valid and invalid in turn."""

        def strategy(operation: Any, turn: int) -> st.SearchStrategy[Any]:
            mode = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)[turn % 2]
            return st.tuples(operation.as_strategy(generation_mode=mode), mostly_true)

        async def send(operation: Any, found: tuple[Case, bool], number: int) -> None:
            case, truly = found
            for asker in self.asking(operation, number):
                asked = operation.Case(
                    path_parameters=dict(case.path_parameters),
                    headers=dict(case.headers),
                    query=dict(case.query),
                    body=case.body,
                    media_type=case.media_type,
                )
                await asker.ready()
                if truly:
                    for name in asked.path_parameters:
                        asked.path_parameters[name] = await asker.true_value(operation.path, name)
                    if isinstance(asked.body, dict):
                        asked.body = {
                            name: await asker.true_value(operation.path, name) if name in KNOWN else value
                            for name, value in asked.body.items()
                        }
                await self.judge("Schemathesis", asker, asked if truly else case)

        await self._rounds("Schemathesis", cases, strategy, send)

    async def by_hypothesis(self, cases: int) -> None:
        """At least so many requests that are nearly right, in which one thing or several are anything."""
        strategies: dict[str, st.SearchStrategy[Any]] = {}

        def strategy(operation: Any, turn: int) -> st.SearchStrategy[Any]:
            if operation.label not in strategies:
                raw = self.document["paths"][operation.path][operation.method.lower()]
                contents = raw.get("requestBody", {}).get("content", {})
                schema = next(iter(contents.values()), {}).get("schema", {})
                if "$ref" in schema:
                    schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
                strategies[operation.label] = requests_of(
                    raw, schema, operation.path, operation.method.upper()
                )
            return strategies[operation.label]

        async def send(operation: Any, found: dict[str, Any], number: int) -> None:
            for asker in self.asking(operation, number):
                await asker.ready()
                path = await resolve(found["path"], asker, operation.path)
                body = await resolve(found["body"], asker, operation.path)
                case = operation.Case(
                    path_parameters={
                        name: quote(str(value), safe="", errors="surrogatepass")
                        for name, value in path.items()
                    },
                    headers=dict(found["header"]),
                    query=dict(found["query"]),
                    body=NOT_SET if found["media"] is None else body,
                    media_type=found["media"],
                )
                await self.judge("Hypothesis", asker, case)

        await self._rounds("Hypothesis", cases, strategy, send)

    async def _rounds(
        self, kind: str, cases: int, strategy: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        goal = self.tally.total(kind=kind) + cases
        while (left := goal - self.tally.total(kind=kind)) > 0:
            for operation in self.order.sample(self.operations, len(self.operations)):
                if self.tally.total(kind=kind) >= goal:
                    return
                chunk = max(1, min(LARGEST_CHUNK, left // (4 * len(self.operations)))) * weight_of(operation)
                self.turn += self.order.choice(
                    (1, 2)
                )  # whether valid or invalid is not to go with the operation
                await asyncio.to_thread(self._generate, operation, strategy, send, chunk, self.turn)

    def _generate(
        self, operation: Any, strategy: Callable[..., Any], send: Callable[..., Any], examples: int, turn: int
    ) -> None:
        """Runs Hypothesis here, in a thread, and the requests in the loop."""
        number = 0

        @seed(turn)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(found=strategy(operation, turn))
        def each(found: Any) -> None:
            nonlocal number
            number += 1
            asyncio.run_coroutine_threadsafe(send(operation, found, turn + number), self.loop).result()

        try:
            each()
        except Unsatisfiable:
            assert number == 0 or examples == 1, operation.label  # nothing can be wrong where nothing is sent

    def asking(self, operation: Any, number: int) -> Iterator[Asker]:
        """Who sends this one: all for whom it does something, and in turn those who are refused."""
        raw = operation.definition.raw
        permission = raw.get("x-permission")
        is_scim = operation.path.startswith("/api/users/scim/")
        for place, asker in enumerate(self.askers):
            useful = {
                "anonymous": not raw["security"],
                "customer": permission is None and not is_scim,
                "owner with second factor": bool(raw["security"]),
                "personal access token": permission is not None or operation.label == "GET /api/users/v1/me",
                "SCIM token": is_scim,
            }[asker.name]
            if useful or (number + place) % FOREIGN_SHARE == 0:
                yield asker

    async def judge(self, kind: str, asker: Asker, case: Case) -> None:
        """Sends one request; notes its status and what is wrong with the answer."""
        answer = await self.send(asker, case)
        if answer is None:
            return
        self.tally.statuses[kind, asker.name, answer.status_code] += 1
        label = case.operation.label
        if answer.is_success and case.method != "GET":
            asker.spent(case.operation.path, case.method)
        if answer.status_code == 401 and await asker.is_out():
            await asker.renew()
        headers = {name: answer.headers.get_list(name) for name in answer.headers}
        judged = Response(answer.status_code, headers, answer.content, _SENT, 0, verify=False)
        checks = self.strict if case.meta is not None else self.checks
        try:
            case.validate_response(judged, checks=checks, excluded_checks=[])
        except FailureGroup as group:
            for failure in group.exceptions:
                sort = f"{type(failure).__name__} {answer.status_code}"
                self.tally.counts[label, sort] += 1
                sent = answer.request
                told = f"{sent.method} {sent.url} {dict(sent.headers)} {sent.content[:1500]!r}"
                told = f"{label} as {asker.name}: {sort}\n{failure}\n{told}\n{answer.text[:1500]}"
                self.tally.failures.setdefault((label, sort), told)

    async def send(self, asker: Asker, case: Case) -> httpx.Response | None:
        """The answer to the request as it goes over the wire; None where it was sent often enough before."""
        wire = case.as_transport_kwargs(base_url=str(self.world.client.base_url))
        own = {**asker.headers, "X-Real-IP": self.address or self.world.some_address()}
        names = {name.lower() for name in own}
        headers = [(_bytes(name), _bytes(value)) for name, value in own.items()]
        headers += [
            (_bytes(name), _bytes(str(value)))
            for name, value in (wire.get("headers") or {}).items()
            if name.lower() not in names and name.lower() not in NOT_SENT
        ]
        content = wire.get("data")
        if content is None and "json" in wire:
            content = json.dumps(wire["json"]).encode()
        elif isinstance(content, str):
            content = content.encode("utf-8", "replace")
        elif not isinstance(content, bytes | None):
            content = urlencode(content, doseq=True, errors="surrogatepass").encode()
        url, query = str(wire["url"]), wire.get("params")
        if query:
            url += "?" + (
                urlencode(query, doseq=True, errors="surrogatepass") if not isinstance(query, str) else query
            )
        sent = repr((asker.name, case.method, url, headers[len(own) :], content)).encode("utf-8", "replace")
        digest = blake2b(sent, digest_size=8).digest()
        if self.tally.seen[digest] == OFTEN_ENOUGH:
            return None
        self.tally.seen[digest] += 1
        return await self.world.client.request(case.method, _escaped(url), headers=headers, content=content)


KNOWN = frozenset(
    {
        "challenge",
        "code",
        "credential",
        "current_password",
        "email",
        "new_password",
        "password",
        "permissions",
        "redirect_uris",
        "refresh_token",
        "roles",
        "scopes",
        "time_zone",
        "token",
        "url",
        "userName",
    }
)
"""Members of which hardly any value but the true ones gets anywhere."""


def weight_of(operation: Any) -> int:
    """How many times the usual are to be generated: more where anybody may ask, and where much is to be parsed."""
    return 3 if not operation.definition.raw["security"] else 2 if "/scim/" in operation.path else 1


async def resolve(value: Any, asker: Asker, path: str, name: str = "") -> Any:
    """The value with what is true for this asker wherever TRUTH stands."""
    if value is TRUTH:
        return await asker.true_value(path, name)
    if isinstance(value, dict):
        return {key: await resolve(each, asker, path, key) for key, each in value.items()}
    if isinstance(value, list):
        return [await resolve(each, asker, path, name) for each in value]
    return value


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _escaped(url: str) -> str:
    """The address with everything escaped that no address may hold as it is."""
    return quote(url, safe="%/:?&=+$,;@!*'()[]~#-._")

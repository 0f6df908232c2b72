"""`import`: uploads a catalogue file to the running shop, follows its progress, and tells the counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO, Any

import httpx

from vitrine_ops.exits import Exit, Failure

KINDS = ("products", "variants", "images")
OUTCOMES = ("created", "updated", "unchanged", "failed")
ENDED = {"done", "failed", "cancelled"}
SHOWN_PROBLEMS = 50
POLL_S = 0.25


class ImportClient:
    """The catalogue's import resource, as an operator uses it.

    Args:
        client: speaks to the shop's public address.
        token: makes an access token; asked again when one has ended.
    """

    def __init__(self, client: httpx.Client, token: Callable[[], str]) -> None:
        self._client = client
        self._make_token = token
        self._token = token()

    def upload(self, file: IO[bytes], name: str, *, currency: str | None) -> dict[str, Any]:
        """Sends the file under a name; returns the new import.

        Raises:
            Failure: the catalogue refuses it.
        """
        form = {"name": name, **({"currency": currency} if currency else {})}
        return self._ask(
            "POST", "/api/catalog/v1/imports", data=form, files={"file": (name, file)}, timeout=120.0
        )

    def get(self, import_id: str) -> dict[str, Any]:
        """The import as it stands."""
        return self._ask("GET", f"/api/catalog/v1/imports/{import_id}")

    def problems(self, import_id: str) -> list[dict[str, Any]]:
        """The first rows' problems, each with its line and field."""
        found = self._ask(
            "GET", f"/api/catalog/v1/imports/{import_id}/problems", params={"limit": SHOWN_PROBLEMS}
        )
        return list(found.get("items", []))

    def follow(
        self, started: dict[str, Any], *, progress: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Asks until the import has ended, telling each change; returns it as it ended."""
        found = started
        while found["status"] not in ENDED:
            time.sleep(POLL_S)
            found = self.get(found["id"])
            progress(found)
        return found

    def _ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        patience = 3
        while True:
            try:
                response = self._client.request(
                    method, path, headers={"Authorization": f"Bearer {self._token}"}, **arguments
                )
            except httpx.HTTPError as error:
                if method == "GET" and patience:
                    patience -= 1
                    time.sleep(1)
                    continue
                raise Failure(
                    Exit.UNAVAILABLE, f"the shop does not answer: {str(error) or type(error).__name__}"
                ) from error
            if response.status_code == 401 and patience and method == "GET":
                patience -= 1
                self._token = self._make_token()
                continue
            if response.status_code in {429, 502, 503, 504} and method == "GET" and patience:
                patience -= 1
                time.sleep(min(float(response.headers.get("Retry-After", "1")), 5))
                continue
            if response.is_success:
                return dict(response.json())
            raise _refusal(response)


def _refusal(response: httpx.Response) -> Failure:
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    detail = problem.get("detail") or problem.get("title") or f"status {response.status_code}"
    errors = problem.get("errors") or []
    for error in errors:
        where = f"line {error['line']}, " if error.get("line") else ""
        detail += f"\n  {where}{error.get('field', '')}: {error.get('message', '')}"
    bad = response.status_code in {400, 413, 415, 422}
    code = (
        Exit.BAD_DATA
        if bad
        else Exit.NO_PERMISSION
        if response.status_code in {401, 403}
        else Exit.UNAVAILABLE
    )
    return Failure(code, f"the catalogue refused: {detail}", problem=problem)


def outcome(ended: dict[str, Any], problems: list[dict[str, Any]]) -> tuple[dict[str, Any], Exit]:
    """What `import --json` prints, and the exit code: not 0 when the file was refused or rows failed."""
    counts = {
        kind: {name: int(ended.get("counts", {}).get(kind, {}).get(name, 0)) for name in OUTCOMES}
        for kind in KINDS
    }
    failed = any(counts[kind]["failed"] for kind in KINDS)
    code = Exit.OK if ended["status"] == "done" and not failed else Exit.BAD_DATA
    document = {
        "ok": code is Exit.OK,
        "id": ended["id"],
        "status": ended["status"],
        "format": ended.get("format"),
        "counts": counts,
        "problems": problems,
        "error": ended.get("error"),
    }
    return document, code


def render(document: dict[str, Any]) -> str:
    """The outcome for people."""
    lines = []
    if document["error"]:
        lines.append(
            f"The file was refused: {document['error'].get('detail') or document['error'].get('title')}"
        )
    for problem in document["problems"]:
        where = f"line {problem['line']}" if problem.get("line") else "the file"
        lines.append(f"  {where}, {problem.get('field') or '–'}: {problem.get('message')}")
    for kind in KINDS:
        counts = document["counts"][kind]
        lines.append(f"{kind:<9} " + ", ".join(f"{counts[name]} {name}" for name in OUTCOMES))
    return "\n".join(lines)


def progress_line(found: dict[str, Any]) -> str:
    """How far an import is, in a line."""
    progress = found.get("progress") or {}
    read, total = progress.get("rows_read") or 0, progress.get("rows_total")
    rows = f"{read} of {total} rows" if total else f"{read} rows"
    return f"{found['status']}: {rows}"

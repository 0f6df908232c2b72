"""What is up: each service's own word on whether it is ready, and how long it took to say so."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import orjson
from flask import current_app, render_template
from flask.typing import ResponseReturnValue
from vitrine_kit.outbound import Neighbour, NeighbourUnavailable
from vitrine_kit.problems import Problem

from vitrine_gateway.pages import PUBLIC, PageBlueprint

bp = PageBlueprint("status", __name__)

WHAT_IT_DOES = {
    "gateway": "The pages you are looking at",
    "catalog": "Products, categories, search and imports",
    "users": "Accounts and signing in",
}
ASK_TIMEOUT_S = 1.5


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service as it stands; `took_ms` is None where no answer came."""

    name: str
    ready: bool
    version: str = ""
    reason: str = ""
    took_ms: float | None = None

    @property
    def work(self) -> str:
        return WHAT_IT_DOES.get(self.name, "")


@bp.page("/status", access=PUBLIC)
async def status() -> ResponseReturnValue:
    """A page for people; machines ask each service's /readyz."""
    state = current_app.extensions["vitrine"]
    own = ServiceStatus("gateway", True, state.version, took_ms=0.0)
    others = await asyncio.gather(*(ask(neighbour) for neighbour in state.neighbours.values()))
    services = [own, *sorted(others, key=lambda entry: entry.name)]
    return render_template(
        "status/page.html", services=services, all_ready=all(entry.ready for entry in services)
    )


async def ask(neighbour: Neighbour) -> ServiceStatus:
    """What a neighbour says of itself."""
    started_s = time.perf_counter()
    try:
        response = await neighbour.request("GET", "/readyz", timeout_s=ASK_TIMEOUT_S)
        said = orjson.loads(response.content)
    except NeighbourUnavailable as problem:
        reason = "It is up but not ready." if problem.answered == 503 else "It does not answer."
        return ServiceStatus(neighbour.name, False, reason=reason)
    except (Problem, orjson.JSONDecodeError):
        return ServiceStatus(neighbour.name, False, reason="It does not answer as it should.")
    took_ms = (time.perf_counter() - started_s) * 1000
    ready = response.is_success and isinstance(said, dict) and said.get("status") == "ok"
    version = str(said.get("version", "")) if isinstance(said, dict) else ""
    return ServiceStatus(neighbour.name, ready, version, "" if ready else "It is up but not ready.", took_ms)

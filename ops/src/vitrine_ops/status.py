"""What `status` tells: each process with version, readiness, memory and age, and their database connections."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from vitrine_ops import probes, programs, tether
from vitrine_ops.exits import Exit
from vitrine_ops.options import Options
from vitrine_ops.output import duration, mebibytes, table
from vitrine_ops.places import Places
from vitrine_ops.state import StackState
from vitrine_ops.supervision import RUNNING, Supervisor


def collect(places: Places) -> dict[str, Any]:
    """The whole status document; `state` is running, degraded or stopped."""
    state = StackState.load(places.state)
    options = Options.load(places.state) or Options()
    found = Supervisor(places).processes()
    processes = [_process(places, name, info) for name, info in sorted(found.items())]
    known = {
        name
        for running in state.services.values()
        for name in [*running.instances, *filter(None, [running.worker])]
    }
    all_there = known <= set(found) and bool(found)
    stack_state = (
        "stopped"
        if not found
        else "running"
        if all_there and all(one["ready"] for one in processes)
        else "degraded"
    )
    return {
        "ok": stack_state == "running",
        "state": stack_state,
        "address": state.address if found else None,
        "data": str(places.data),
        "started_at": state.started_at if found else None,
        "processes": processes,
        "services": _services(state, processes) if found else {},
        "memory_bytes": sum(one["memory_bytes"] or 0 for one in processes),
        "second_factor": options.asks_for_second_factor,
        "database": {
            "own": state.own_postgres,
            "pool_connections": options.pool_connections,
            "pool_limit": int(options.max_connections * 0.8) if state.own_postgres else None,
            "max_connections": options.max_connections if state.own_postgres else None,
        },
    }


def exit_code(document: dict[str, Any]) -> Exit:
    """The exit code `status` ends with."""
    return {"running": Exit.OK, "degraded": Exit.DEGRADED}.get(document["state"], Exit.NOT_RUNNING)


def render(document: dict[str, Any]) -> str:
    """The status for people."""
    if document["state"] == "stopped":
        return f"Vitrine is not running on {document['data']}."
    rows = [
        [
            one["name"], one["version"] or "–", "ready" if one["ready"] else one["reason"], str(one["processes"]),
            mebibytes(one["memory_bytes"]), duration(one["uptime_s"]), str(one["restarts"]),
        ]
        for one in document["processes"]
    ]  # fmt: skip
    text = f"Vitrine is {document['state']} at {document['address']}   (data: {document['data']})\n\n"
    text += table(rows, ["process", "version", "state", "processes", "memory", "up", "restarts"])
    database = document["database"]
    text += f"\n\nmemory in all: {mebibytes(document['memory_bytes'])}; "
    text += f"database connections the services may hold: {database['pool_connections']}"
    if database["max_connections"]:
        text += f" of {database['max_connections']} (at most {database['pool_limit']} advised)"
    if not document["second_factor"]:
        text += "\nowners and admins need no second factor, as only this machine reaches the shop;"
        text += " VITRINE_REQUIRE_FACTOR=true ./vitrine up asks for one"
    return text


def _process(places: Places, name: str, info: dict[str, Any]) -> dict[str, Any]:
    facts = programs.read_facts(places.run, name)
    record = tether.read_record(str(programs.record_path(places.run, name))) or {}
    running = info["statename"] == RUNNING or (info["statename"] == "STARTING" and info["pid"])
    ready, reason, version = (
        bool(running),
        "" if running else str(info["statename"]).lower(),
        facts.get("version"),
    )
    if running and facts.get("socket"):
        answer = probes.ask_socket(Path(facts["socket"]))
        ready, reason = answer.status == 200, "" if answer.status == 200 else answer.reason
        version = answer.document.get("version") or version
    members = tether.group_members(int(info["pid"])) if running else []
    if name == "postgres" and running:
        members = _descendants(int(info["pid"]))
    return {
        "name": name,
        "service": facts.get("service", name),
        "kind": facts.get("kind", facts.get("service", name)),
        "version": version,
        "release": facts.get("release"),
        "state": str(info["statename"]).lower(),
        "ready": ready,
        "reason": reason,
        "pid": info["pid"] or None,
        "processes": len(members),
        "memory_bytes": sum(filter(None, (memory_bytes(pid) for pid in members))) if running else None,
        "uptime_s": round(time.time() - float(record["started_at"]), 1)
        if running and "started_at" in record
        else None,
        "restarts": max(0, int(record.get("starts", 1)) - 1),
    }


def _descendants(pid: int) -> list[int]:
    import psutil

    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.Error:
        return []


def memory_bytes(pid: int) -> int | None:
    """A process's proportional share of memory (PSS), its resident set where the system tells no shares."""
    import psutil

    try:
        process = psutil.Process(pid)
        try:
            found = process.memory_full_info()
        except psutil.AccessDenied:
            return int(process.memory_info().rss)
        return int(getattr(found, "pss", 0) or found.rss)
    except psutil.Error:
        return None


def _services(state: StackState, processes: list[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for name, running in state.services.items():
        web = [one for one in processes if one["service"] == name and one["kind"] == "web"]
        found[name] = {
            "release": f"{running.release['version']}+{running.release['digest']}",
            "generation": running.generation,
            "instances": len(web),
            "ready": sum(1 for one in web if one["ready"]),
            "memory_bytes": sum(one["memory_bytes"] or 0 for one in processes if one["service"] == name),
        }
    return found

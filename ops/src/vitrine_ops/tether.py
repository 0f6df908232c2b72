"""Becomes one supervised program: tied to its parent's life, recorded by pid and start, writing to its own log.

Runs by path, with the standard library only (`python -I -S tether.py SPEC.json`), so that a start costs little, and
replaces itself by the program: the process manager then watches the program itself.
"""

# It runs at each start of each process, where importing pathlib alone would double its cost.
# ruff: noqa: PTH105, PTH108, PTH110, PTH116, PTH123, PTH208, S606

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

PR_SET_PDEATHSIG = 1
LOG_LIMIT_BYTES = 20 * 1024 * 1024


def start_mark(pid: int) -> str | None:
    """What tells this process from a later one with the same pid; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        return None if fields[0] == "Z" else f"{boot}:{fields[19]}"
    except OSError:
        if os.path.exists("/proc/self/stat"):
            return None
    asked = subprocess.run(
        ["ps", "-o", "lstart=,stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    found = asked.stdout.strip()
    return None if not found or found.split()[-1].startswith("Z") else " ".join(found.split()[:-1])


def group_members(pgid: int) -> list[int]:
    """The processes of a process group, its leader too."""
    members = []
    if os.path.exists("/proc/self/stat"):
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                        fields = file.read().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[2]) == pgid and fields[0] != "Z":
                    members.append(int(name))
        return members
    asked = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=False
    )
    for line in asked.stdout.splitlines():
        pid, group, state = line.split()[:3]
        if int(group) == pgid and not state.startswith("Z"):
            members.append(int(pid))
    return members


def remnants(record: dict[str, Any]) -> list[int]:
    """Processes that a recorded program left: itself if it still runs, and what its group still holds.

    A pid in use as a group's id is not given out again, so a group whose number is now another program's pid (other
    start mark) had already emptied: it is none of ours.
    """
    pid = int(record["pid"])
    mark = start_mark(pid)
    if mark is not None and mark != record["mark"]:
        return []
    boot = str(record["mark"]).partition(":")[0]
    own = start_mark(os.getpid()) or ""
    if os.path.exists("/proc/self/stat") and own.partition(":")[0] != boot:
        return []
    return [member for member in group_members(pid) if member != os.getpid()]


def clear(record: dict[str, Any], wait_s: float = 5.0, *, kill: bool = True) -> list[int]:
    """Ends what a recorded program left, first politely, after `wait_s` by force; returns the pids signalled.

    Without `kill` it only asks: Nginx's workers close their listening sockets at once and finish what they serve.
    """
    found = remnants(record)
    signalled = list(found)
    deadline = time.monotonic() + wait_s
    number = int(record.get("signal", signal.SIGTERM))
    while found:
        for pid in found:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                continue
        while (found := remnants(record)) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not kill or time.monotonic() > deadline + 2:
            break
        number = signal.SIGKILL
    return signalled


def tie_to_parent(number: int) -> None:
    """Asks the kernel to send us this signal when our parent dies (Linux); elsewhere the next start clears up."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent or parent == 1:
        sys.exit(0)


def shorten(path: str, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Moves a grown log's text to `<path>.1` and empties the file; writers append, so they go on undisturbed."""
    try:
        size = os.stat(path).st_size
    except FileNotFoundError:
        return
    if size <= limit_bytes:
        return
    with open(path, "rb") as source, open(f"{path}.1.part", "wb") as kept:
        source.seek(max(0, size - limit_bytes))
        while chunk := source.read(1 << 20):
            kept.write(chunk)
    os.replace(f"{path}.1.part", f"{path}.1")
    os.truncate(path, 0)


def read_record(path: str) -> dict[str, Any] | None:
    """A program's record, or None where there is none that can be read."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "pid" in found and "mark" in found else None


def write_record(path: str, record: dict[str, Any]) -> None:
    """Replaces a program's record in one step."""
    with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as file:
        json.dump(record, file)
    os.replace(f"{path}.{os.getpid()}", path)


def main(spec_path: str) -> None:
    """Ties, records, redirects, and becomes the program that the specification names."""
    with open(spec_path, encoding="utf-8") as file:
        spec = json.load(file)
    if spec.get("tied", True):
        tie_to_parent(int(spec["death_signal"]))
    previous = read_record(spec["record"])
    if previous is not None:
        clear(previous, wait_s=float(spec.get("clear_wait_s", 5.0)), kill=spec.get("clear_kill", True))
    record = {
        "program": spec["program"],
        "pid": os.getpid(),
        "mark": start_mark(os.getpid()),
        "signal": spec["death_signal"],
        "started_at": time.time(),
        "starts": int((previous or {}).get("starts", 0)) + 1
        if (previous or {}).get("run") == spec["run"]
        else 1,
        "run": spec["run"],
    }
    write_record(spec["record"], record)
    for path in spec.get("unlink", []):
        # Nginx does not start where a socket of a killed predecessor lies.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    shorten(spec["log"])
    log = os.open(spec["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.closerange(3, 256)
    os.umask(int(spec["umask"]))
    os.chdir(spec["cwd"])
    try:
        os.execve(spec["argv"][0], spec["argv"], spec["env"])
    except OSError as error:
        sys.stderr.write(f"cannot start {spec['argv'][0]}: {error}\n")
        sys.exit(127)


if __name__ == "__main__":
    main(sys.argv[1])

"""The forms while many tries fail: they show a puzzle, and hand on what was done about it."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import vitrine_gateway
from gateway_browser import SESSION, Browser, form_values, words
from shop_neighbours import FakeUsers

PASSWORD = "a long enough password"
SALT = "0011223344556677?expires=4102444800&purpose=sign-in&from=1&"
PUZZLE = {
    "algorithm": "SHA-256",
    "challenge": sha256(f"{SALT}1234".encode()).hexdigest(),
    "salt": SALT,
    "signature": "00" * 32,
    "maxnumber": 5000,
    "ticket": f"{SALT}seal",
    "wait_s": 60,
}
FORMS: list[tuple[str, dict[str, str], str]] = [
    ("/sign-in", {"email": "carl@example.org", "password": PASSWORD}, "/internal/sessions"),
    ("/register", {"email": "new@example.org", "password": PASSWORD, "name": "N"}, "/registrations"),
    ("/forgot-password", {"email": "carl@example.org"}, "/password-resets"),
]


def sent_solution(users: FakeUsers, path: str) -> Any:
    return json.loads(base64.b64decode(users.last("POST", path).headers["Challenge-Solution"]))


@pytest.mark.parametrize(("page", "values", "path"), FORMS)
async def test_a_form_shows_the_puzzle_and_hands_the_solution_on(
    browser: Browser, users: FakeUsers, page: str, values: dict[str, str], path: str
) -> None:
    users.add("carl@example.org")
    assert "data-challenge" not in (await browser.get(page)).text
    users.challenge = PUZZLE

    asked = await browser.fill(page, values)

    assert asked.status_code == 422
    shown = unescape(asked.text.partition('data-challenge="')[2].partition('"')[0])
    assert json.loads(shown) == PUZZLE
    assert "js/challenge.js" in asked.text
    assert "worker-src 'self'" in asked.headers["Content-Security-Policy"]
    solution = base64.b64encode(json.dumps({"number": 1234}).encode()).decode()
    form = form_values(asked.text, page) | values | {"solution": solution}
    done = await browser.send("POST", page, data=form)
    assert done.status_code == 303, words(done.text)
    assert sent_solution(users, path) == {"number": 1234}


@pytest.mark.parametrize(("page", "values", "path"), FORMS)
async def test_without_a_script_one_waits(
    browser: Browser, users: FakeUsers, page: str, values: dict[str, str], path: str
) -> None:
    users.add("carl@example.org")
    users.challenge = PUZZLE

    asked = await browser.fill(page, values)
    assert "send it after" in words(asked.text)
    done = await browser.send("POST", page, data=form_values(asked.text, page) | values)

    assert done.status_code == 303
    assert sent_solution(users, path) == {"ticket": PUZZLE["ticket"]}


async def test_what_is_typed_in_place_of_a_solution_does_no_harm(browser: Browser, users: FakeUsers) -> None:
    users.add("carl@example.org")
    values = {"email": "carl@example.org", "password": PASSWORD}

    for solution in ("a\r\nX-Real-IP: 192.0.2.1", "é\0", "a" * 3000):
        page = await browser.fill("/sign-in", {**values, "solution": solution})
        assert page.status_code in {303, 422}, solution[:10]
        browser.cookies.pop(SESSION, None)
    assert all("192.0.2.1" not in request.headers.get("X-Real-IP", "") for request in users.seen)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no JavaScript outside a browser here")
def test_the_worker_finds_the_number() -> None:
    worker = Path(vitrine_gateway.__file__).parent / "static/js/challenge-worker.js"
    salts = [SALT, "s" * 64, "s" * 55, "s" * 119, "s" * 120, "é" * 31]
    puzzles = [
        {"salt": salt, "challenge": sha256(f"{salt}{n}".encode()).hexdigest(), "maxnumber": 2000}
        for salt in salts
        for n in (0, 9, 1999)
    ]
    puzzles.append({"salt": SALT, "challenge": "0" * 64, "maxnumber": 50})
    script = (
        f"globalThis.self = {{ addEventListener() {{}} }};{worker.read_text()}"
        f"console.log(JSON.stringify({json.dumps(puzzles)}.map(solve)))"
    )

    found = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True, timeout=60)

    assert json.loads(found.stdout) == [*[0, 9, 1999] * len(salts), None]

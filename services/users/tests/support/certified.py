"""A certified OpenID Provider (oidc-provider) in a process of its own, and somebody who signs in there by its forms."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

SOURCES = Path(__file__).parent / "certified_provider"
INSTALL_TIMEOUT_S = 120
CLIENT_ID, CLIENT_SECRET = "vitrine", "a secret with % and + and :"


def install(folder: Path) -> Path:
    """Installs the provider, as locked, into a folder; skips the test where that cannot be done."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("the certified provider needs node and npm")
    for name in ("package.json", "package-lock.json", "provider.mjs"):
        shutil.copy(SOURCES / name, folder / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
    )
    if done.returncode:
        pytest.skip(f"the certified provider could not be installed: {done.stderr.strip()[-300:]}")
    return folder


@contextmanager
def certified_provider(folder: Path, redirect_uri: str, port: int = 0) -> Iterator[str]:
    """The provider running, on a free port unless one is given; returns its issuer."""
    command = ["node", "provider.mjs", redirect_uri, str(port)]
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.terminate()


async def sign_in_there(url: str, login: str, redirect_uri: str, client: httpx.AsyncClient) -> httpx.URL:
    """Goes where the browser was sent, signs in, agrees, and returns where the provider sends the browser back to.

    The client keeps the provider's cookies: with the same one again, the provider knows who it is.
    """
    answer = await client.get(url)
    for _ in range(12):
        if answer.is_redirect:
            following = answer.headers["Location"]
            if following.startswith(redirect_uri):
                return httpx.URL(following)
            answer = await client.get(urljoin(str(answer.url), following))
            continue
        assert answer.status_code == 200, answer.text
        action = unescape(re.search(r'<form[^>]*action="([^"]+)"', answer.text)[1])
        values = dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.text))
        if "login" in answer.text and 'name="login"' in answer.text:
            values |= {"login": login, "password": "whatever"}
        answer = await client.post(urljoin(str(answer.url), action), data=values)
    raise AssertionError("the provider goes on asking")

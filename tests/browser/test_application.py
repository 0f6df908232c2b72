"""Another application signs somebody in, in a real browser whose content policy keeps forms on our own pages."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

pytestmark = [pytest.mark.stack, pytest.mark.browser]

USERS = "/api/users/v1"
PASSWORD = "seven brass anchors sing"


@pytest_asyncio.fixture
async def application() -> AsyncIterator[str]:
    """Another site, on another host than the shop's; gives its address."""

    async def back(request: web.Request) -> web.Response:
        return web.Response(
            text=f"<h1>The wiki has {' '.join(sorted(request.query))}</h1>", content_type="text/html"
        )

    app = web.Application()
    app.add_routes([web.get("/back", back), web.get("/bye", back)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_somebody_signs_in_to_another_application_and_out_again(
    chromium: Any, stack: Any, faults: Any, application: str, scripts: bool
) -> None:
    email = f"browser-{secrets.token_hex(5)}@example.org"
    async with httpx.AsyncClient(base_url=stack.url, timeout=20) as http:
        person = {"email": email, "password": PASSWORD, "name": "Ada Browser"}
        assert (await http.post(f"{USERS}/registrations", json=person)).status_code == 202
        body = {
            "name": "The wiki",
            "redirect_uris": [f"{application}/back"],
            "logout_uris": [f"{application}/bye"],
        }
        headers = {"Authorization": f"Bearer {stack.token()}"}
        made = (await http.post(f"{USERS}/applications", json=body, headers=headers)).json()
    query = httpx.QueryParams(
        {
            "response_type": "code",
            "client_id": made["id"],
            "redirect_uri": f"{application}/back",
            "scope": "openid email",
            "code_challenge": "x" * 43,
            "code_challenge_method": "S256",
        }
    )
    context = await chromium.new_context(base_url=stack.url, java_script_enabled=scripts)
    page = await context.new_page()
    faults.watch(page)

    await page.goto(f"/oauth2/authorize?{query}")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("heading", name="Sign in to The wiki?").wait_for()
    await page.get_by_text("know your e-mail address").wait_for()
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("heading", name="The wiki has code iss").wait_for()

    await page.goto(f"{stack.url}/oauth2/authorize?{query}")
    await page.get_by_role("heading", name="The wiki has code iss").wait_for()
    await page.goto(f"{stack.url}/account/applications")
    await page.get_by_text("Lets it know that it is you, know your e-mail address").wait_for()
    bye = httpx.QueryParams(
        {"client_id": made["id"], "post_logout_redirect_uri": f"{application}/bye", "state": "s"}
    )
    await page.goto(f"{stack.url}/oauth2/logout?{bye}")
    await page.locator("main").get_by_role("button", name="Sign out").click()
    await page.get_by_role("heading", name="The wiki has state").wait_for()
    await page.goto(f"{stack.url}/account")
    await page.wait_for_url(re.compile("/sign-in"))
    await context.close()

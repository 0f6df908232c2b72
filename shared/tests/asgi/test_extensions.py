"""Stock Flask extensions through the bridge, with async code behind them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest_asyncio
from bridge_serving import serve
from click.testing import Result
from flask import Flask, flash, get_flashed_messages, redirect, render_template_string, request
from flask_debugtoolbar import DebugToolbarExtension
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_migrate import Migrate
from flask_wtf import CSRFProtect, FlaskForm
from sqlalchemy import Column, Integer, MetaData, NullPool, Table
from sqlalchemy.ext.asyncio import create_async_engine
from vitrine_kit.asgi import Bridge, await_
from wtforms import PasswordField, StringField, ValidationError
from wtforms.validators import DataRequired

PEOPLE = {"1": "ann", "2": "ben"}


class Person(UserMixin):
    def __init__(self, person_id: str) -> None:
        self.id = person_id
        self.name = PEOPLE[person_id]


async def find_person(person_id: str) -> Person | None:
    """As a database would: later."""
    await asyncio.sleep(0.002)
    return Person(person_id) if person_id in PEOPLE else None


class SignInForm(FlaskForm):  # type: ignore[misc]  # the package ships no types
    name = StringField(validators=[DataRequired()])
    password = PasswordField(validators=[DataRequired()])

    def validate_name(self, field: Any) -> None:
        async def taken() -> bool:
            await asyncio.sleep(0.001)
            return field.data in PEOPLE.values()

        if not await_(taken()):
            raise ValidationError("unknown person")


PAGE = """<!doctype html><html><head><title>t</title></head><body>{{ current_user.name|default('nobody') }}
{% for message in get_flashed_messages() %}[{{ message }}]{% endfor %}{{ later() }}
<form method="post">{{ form.csrf_token }}
{% for error in form.name.errors %}({{ error }}){% endfor %}</form></body></html>"""


def build_app() -> Flask:
    app = Flask("extensions")
    app.secret_key = "a secret for tests alone"
    login = LoginManager(app)
    login.login_view = "sign_in"
    CSRFProtect(app)

    @login.user_loader
    def load(person_id: str) -> Person | None:
        return await_(find_person(person_id))

    @app.context_processor
    async def helpers() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"later": lambda: await_(asyncio.sleep(0.001, "rendered later"))}

    @app.route("/sign-in", methods=["GET", "POST"])
    async def sign_in() -> Any:
        form = SignInForm()
        if form.validate_on_submit():
            by_name = {name: person_id for person_id, name in PEOPLE.items()}
            person = await find_person(by_name[form.name.data])
            login_user(person)
            flash(f"welcome {current_user.name}")
            return redirect("/account")
        return render_template_string(PAGE, form=form), 200 if request.method == "GET" else 422

    @app.get("/account")
    @login_required
    async def account() -> Any:
        await asyncio.sleep(0.002)
        return {"name": current_user.name, "messages": get_flashed_messages()}

    @app.post("/sign-out")
    @login_required
    def sign_out() -> Any:
        logout_user()
        return redirect("/sign-in")

    return app


@pytest_asyncio.fixture
async def base_url() -> AsyncIterator[str]:
    async with serve(Bridge(build_app())) as served:
        yield str(served.client.base_url)


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)
    assert found, page
    return found[1]


async def sign_in(client: httpx.AsyncClient, name: str) -> httpx.Response:
    token = token_in((await client.get("/sign-in")).text)
    return await client.post("/sign-in", data={"name": name, "password": "x", "csrf_token": token})


async def test_people_sign_in_stay_apart_and_sign_out(base_url: str) -> None:
    async def visit(name: str) -> None:
        async with httpx.AsyncClient(base_url=base_url) as client:
            answer = await client.get("/account")
            assert answer.headers["Location"].startswith("/sign-in")
            assert (await sign_in(client, name)).headers["Location"] == "/account"
            assert (await client.get("/account")).json() == {"name": name, "messages": [f"welcome {name}"]}
            answers = await asyncio.gather(*(client.get("/account") for _ in range(5)))
            assert [answer.json()["name"] for answer in answers] == [name] * 5
            token = token_in((await client.get("/sign-in")).text)
            assert (await client.post("/sign-out", headers={"X-CSRFToken": token})).status_code == 302
            assert (await client.get("/account")).status_code == 302

    await asyncio.gather(*(visit(name) for name in [*PEOPLE.values()] * 4))


async def test_forms_validate_with_async_code_and_hold_the_token(base_url: str) -> None:
    async with httpx.AsyncClient(base_url=base_url) as client:
        page = await client.get("/sign-in")
        assert "rendered later" in page.text
        answer = await sign_in(client, "zoe")
        assert (answer.status_code, "(unknown person)" in answer.text) == (422, True)
        assert (await client.post("/sign-in", data={"name": "ann", "password": "x"})).status_code == 400


async def test_the_debug_toolbar_wraps_async_views_and_profiles_them() -> None:
    app = build_app()
    app.debug = True
    app.config["DEBUG_TB_INTERCEPT_REDIRECTS"] = True
    app.config["DEBUG_TB_PANELS"] = [
        "flask_debugtoolbar.panels.timer.TimerDebugPanel",
        "flask_debugtoolbar.panels.headers.HeaderDebugPanel",
        "flask_debugtoolbar.panels.request_vars.RequestVarsDebugPanel",
        "flask_debugtoolbar.panels.template.TemplateDebugPanel",
        "flask_debugtoolbar.panels.logger.LoggingPanel",
        "flask_debugtoolbar.panels.profiler.ProfilerDebugPanel",
    ]
    DebugToolbarExtension(app)
    async with serve(Bridge(app)) as served:
        page = await served.client.get("/sign-in")
        assert page.status_code == 200
        assert 'id="flDebug"' in page.text
        assert "rendered later" in page.text
        pages = await asyncio.gather(*(served.client.get(f"/sign-in?n={number}") for number in range(5)))
        for number, one in enumerate(pages):
            assert f"n={number}" in one.text or str(number) in one.text
            assert one.text.count('id="flDebug"') == 1
        redirected = await served.client.get("/account")
        assert redirected.status_code == 200
        assert "Redirect" in redirected.text


def test_migrations_run_from_the_command_line(tmp_path: Path, postgres_url: str) -> None:
    class Database:
        metadata = MetaData()
        # Each command runs a loop of its own, which a pooled connection would not outlive.
        engine = create_async_engine(
            postgres_url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool
        )

    Table("bridge_migrated", Database.metadata, Column("id", Integer, primary_key=True))

    def ours(name: str | None, kind: str, _: Any) -> bool:
        return kind != "table" or name == "bridge_migrated"

    async def run_sql(statement: str) -> Any:
        connection = await asyncpg.connect(postgres_url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    await_(run_sql("drop table if exists bridge_migrated, bridge_migrated_version"))
    app = build_app()
    Bridge(app)
    directory = str(tmp_path / "migrations")
    Migrate(app, Database(), directory=directory, version_table="bridge_migrated_version", include_name=ours)

    def invoke(*arguments: str) -> Result:
        # Flask-Migrate's own env.py asks for the thread's event loop, which a command line's thread always has.
        with closing(asyncio.new_event_loop()) as loop:
            asyncio.set_event_loop(loop)
            return app.test_cli_runner().invoke(args=["db", *arguments])

    def flask(*arguments: str) -> str:
        with ThreadPoolExecutor(max_workers=1) as thread:
            done = thread.submit(invoke, *arguments).result()
        assert done.exit_code == 0, done.output
        return str(done.output)

    flask("init", "-t", "aioflask")
    flask("migrate", "-m", "first")
    flask("upgrade")
    assert await_(run_sql("select count(*) from bridge_migrated")) == 0
    flask("downgrade", "base")
    assert await_(run_sql("select to_regclass('bridge_migrated')")) is None

"""The gateway's app: which features it has and what all of them share; nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_debugtoolbar import DebugToolbarExtension
from flask_login import current_user
from flask_wtf import CSRFProtect
from vitrine_kit.problems import Unavailable
from vitrine_kit.service import create_service

from vitrine_gateway import account, docs, status, storefront, studio
from vitrine_gateway.assets import Assets
from vitrine_gateway.clients.applications import ApplicationsClient
from vitrine_gateway.clients.catalog import CatalogClient
from vitrine_gateway.clients.connections import ConnectionsClient
from vitrine_gateway.clients.factors import FactorsClient
from vitrine_gateway.clients.mailboxes import MailboxClient
from vitrine_gateway.clients.people import PeopleClient
from vitrine_gateway.clients.rights import RightsClient
from vitrine_gateway.clients.users import UsersClient
from vitrine_gateway.clients.webhooks import WebhooksClient
from vitrine_gateway.errors import register_errors, render_problem
from vitrine_gateway.headers import csp_nonce, register_headers
from vitrine_gateway.pages import SAFE_METHODS, page_of, register_guard
from vitrine_gateway.presentation import register_filters
from vitrine_gateway.sessions import AnonymousReader, Sessions, form_cookie_name, register_login
from vitrine_gateway.settings import GatewaySettings
from vitrine_gateway.state import GatewayState, NamedNeighbour, Shelves


def create_app(settings: GatewaySettings | None = None) -> Flask:
    """The gateway, configured by the environment unless settings are given."""
    settings = settings or GatewaySettings()
    app = create_service(
        "gateway",
        settings,
        import_name="vitrine_gateway",
        neighbours={"users": settings.users_url, "catalog": settings.catalog_url},
        render_problem=render_problem,
        api=False,
    )
    _configure(app, settings)
    users = UsersClient(NamedNeighbour(app, "users"))
    catalog = CatalogClient(NamedNeighbour(app, "catalog"))
    sessions = Sessions(users, settings.verdict_s)
    assets = Assets(Path(app.root_path) / "static")
    app.extensions["vitrine_gateway"] = GatewayState(
        settings,
        assets,
        users,
        FactorsClient(NamedNeighbour(app, "users")),
        MailboxClient(NamedNeighbour(app, "users")),
        RightsClient(NamedNeighbour(app, "users")),
        PeopleClient(NamedNeighbour(app, "users")),
        ConnectionsClient(NamedNeighbour(app, "users")),
        ApplicationsClient(NamedNeighbour(app, "users")),
        WebhooksClient(NamedNeighbour(app, "users")),
        catalog,
        sessions,
        Shelves(catalog),
    )

    register_headers(app, settings)
    register_login(app, sessions, settings).unauthorized_handler(_to_sign_in)
    register_guard(app)
    csrf = CSRFProtect(app)
    register_errors(app)
    register_filters(app, settings.locale)
    app.context_processor(_template_context)
    if settings.environment == "development":
        DebugToolbarExtension(app)
    for feature in (storefront, account, studio, docs, status):
        app.register_blueprint(feature.bp)
    for endpoint, view in app.view_functions.items():
        if (page := page_of(app, endpoint)) is not None and page.from_elsewhere:
            csrf.exempt(view)
    return app


def _configure(app: Flask, settings: GatewaySettings) -> None:
    app.config.update(
        SESSION_COOKIE_NAME=form_cookie_name(settings),
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=None,
        # Origin and Sec-Fetch-Site are compared by the guard, for plain http too; a Referer is not demanded.
        WTF_CSRF_SSL_STRICT=False,
        DEBUG_TB_INTERCEPT_REDIRECTS=False,
        DEBUG_TB_PANELS=(
            "flask_debugtoolbar.panels.versions.VersionDebugPanel",
            "flask_debugtoolbar.panels.timer.TimerDebugPanel",
            "flask_debugtoolbar.panels.headers.HeaderDebugPanel",
            "flask_debugtoolbar.panels.request_vars.RequestVarsDebugPanel",
            "flask_debugtoolbar.panels.template.TemplateDebugPanel",
            "flask_debugtoolbar.panels.logger.LoggingPanel",
            "flask_debugtoolbar.panels.route_list.RouteListDebugPanel",
        ),
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _to_sign_in() -> ResponseReturnValue:
    """Where a page needs a reader and has none: to the sign-in page and back, unless nobody can be asked."""
    if getattr(current_user, "unavailable", False):
        raise Unavailable(
            "Accounts cannot be reached right now, so we cannot tell who you are.", service="users"
        )
    target = request.full_path.rstrip("?") if request.method in SAFE_METHODS else None
    return redirect(url_for("account.sign_in", next=target), 303)


def _template_context() -> dict[str, Any]:
    from flask import current_app, g

    state: GatewayState = current_app.extensions["vitrine_gateway"]
    return {
        "shop": state.settings,
        "asset": state.assets.url,
        "csp_nonce": csp_nonce,
        # Whoever the guard has found; templates never ask a neighbour.
        "reader": g.get("_login_user") or AnonymousReader(),
        "shelves": state.shelves.last_seen,
    }

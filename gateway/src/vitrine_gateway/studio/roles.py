"""Roles in the studio: the shop's own made of permissions, changed and deleted, and who holds which."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from vitrine_kit.problems import Conflict, Forbidden, NotFound, PreconditionFailed, Unprocessable
from wtforms import HiddenField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from vitrine_gateway.clients.rights import Permission, Role
from vitrine_gateway.forms import show_problem, stripped
from vitrine_gateway.state import current_gateway
from vitrine_gateway.studio.people import READ_PEOPLE
from vitrine_gateway.studio.routes import bp

WRITE_ROLES = "users:roles"
REFUSALS = (Conflict, Forbidden, Unprocessable)


def _ticks(label: str) -> SelectMultipleField:
    return SelectMultipleField(label, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput())


class RoleForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What a role is for, and what it lets people do."""

    description = StringField("What it is for", filters=[stripped], validators=[Length(max=200)])
    permissions = _ticks("What it lets people do")


class NewRoleForm(RoleForm):
    """A new role: its name stays, the rest can be changed."""

    name = StringField(
        "Name",
        filters=[stripped],
        validators=[
            DataRequired("Give it a name."),
            Length(2, 40),
            Regexp(
                r"^[a-z][a-z0-9-]*$", message="Small letters, digits and hyphens, beginning with a letter."
            ),
        ],
    )


class HeldRolesForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """All the roles somebody shall have, and what the page knew of them."""

    roles = _ticks("Roles")
    version = HiddenField(validators=[Length(max=100)])


class DeleteForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The button that deletes: nothing but the form token."""


@bp.page("/roles", access=READ_PEOPLE, methods=("GET", "POST"))
async def roles() -> ResponseReturnValue:
    """All roles and what they let people do; and the form for a new one."""
    rights, token = current_gateway().rights, current_user.access_token
    form = NewRoleForm()
    known = await rights.permissions(token)
    form.permissions.choices = _choices(known)
    if form.is_submitted() and not current_user.may(WRITE_ROLES):
        raise Forbidden("Your account does not have the permission for this page.")
    if form.validate_on_submit():
        try:
            await rights.make_role(token, form.name.data, form.description.data, form.permissions.data)
        except REFUSALS as problem:
            show_problem(form, problem)
        else:
            flash(f"There is a role “{form.name.data}” now.")
            return redirect(url_for("studio.roles"), 303)
    found = await rights.roles(token)
    described = {one.name: one.description for one in known}
    shown = render_template(
        "studio/roles.html", roles=found, form=form, may_change=_may_change, described=described
    )
    return shown, 422 if form.is_submitted() else 200


@bp.page("/roles/<name>", access=WRITE_ROLES, methods=("GET", "POST"))
async def role(name: str) -> ResponseReturnValue:
    """One of the shop's own roles, to change."""
    found = await _own_role(name)
    form = RoleForm(data={"description": found.description, "permissions": list(found.permissions)})
    form.permissions.choices = _choices(await current_gateway().rights.permissions(current_user.access_token))
    if form.validate_on_submit():
        try:
            await current_gateway().rights.change_role(
                current_user.access_token, name, form.description.data, form.permissions.data
            )
        except (*REFUSALS, NotFound) as problem:
            show_problem(form, problem)
        else:
            flash("Changed. It counts from the next request of whoever holds it.")
            return redirect(url_for("studio.roles"), 303)
    return render_template("studio/role.html", role=found, form=form), 422 if form.is_submitted() else 200


@bp.page("/roles/<name>/delete", access=WRITE_ROLES, methods=("GET", "POST"))
async def delete_role(name: str) -> ResponseReturnValue:
    """Deletes a role that nobody holds, after one more question."""
    found = await _own_role(name)
    form = DeleteForm()
    if form.validate_on_submit():
        try:
            await current_gateway().rights.delete_role(current_user.access_token, name)
        except (*REFUSALS, NotFound) as problem:
            flash(problem.detail or problem.title, "error")
        else:
            flash(f"The role “{name}” is deleted.")
        return redirect(url_for("studio.roles"), 303)
    return render_template("studio/role_delete.html", role=found, form=form)


@bp.page("/people/<uuid:person_id>/roles", access=WRITE_ROLES, methods=("GET", "POST"))
async def person_roles(person_id: UUID) -> ResponseReturnValue:
    """What somebody is in the shop: all their roles, to tick."""
    rights, token = current_gateway().rights, current_user.access_token
    person, version = await rights.person(token, str(person_id))
    all_roles = await rights.roles(token)
    form = HeldRolesForm(data={"roles": list(person.roles), "version": version})
    form.roles.choices = [SelectChoice(one.name, one.name) for one in all_roles]
    if form.validate_on_submit():
        try:
            await rights.set_roles(token, str(person_id), form.roles.data, version=form.version.data)
        except PreconditionFailed:
            form.form_errors = [*form.form_errors, "Somebody changed this account meanwhile. Look again."]
            form.version.data = version
        except REFUSALS as problem:
            show_problem(form, problem)
        else:
            current_gateway().sessions.forget_all_of(str(person_id))
            flash(f"Changed what {person.name} may do.")
            return redirect(url_for("studio.people"), 303)
    beyond = [one.name for one in all_roles if not _within_mine(one.permissions)]
    shown = render_template("studio/person_roles.html", person=person, form=form, beyond=beyond)
    return shown, 422 if form.is_submitted() else 200


def _choices(found: Collection[Permission]) -> list[SelectChoice]:
    """What one may do oneself: more cannot be given."""
    return [SelectChoice(one.name, one.description) for one in found if current_user.may(one.name)]


async def _own_role(name: str) -> Role:
    found = await current_gateway().rights.roles(current_user.access_token)
    chosen = next((one for one in found if one.name == name), None)
    if chosen is None:
        raise NotFound("There is no role with this name.")
    if not _may_change(chosen):
        raise Forbidden("This role comes with Vitrine, or lets people do more than you may yourself.")
    return chosen


def _may_change(found: Role) -> bool:
    return current_user.may(WRITE_ROLES) and not found.built_in and _within_mine(found.permissions)


def _within_mine(permissions: Collection[str]) -> bool:
    return all(map(current_user.may, permissions))

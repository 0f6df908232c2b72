"""Webhooks in the studio: set up, changed and switched off; what was sent, and sent again."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from vitrine_kit.problems import BadRequest, Conflict, NotFound, Unprocessable
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from vitrine_gateway.clients.webhooks import Webhook
from vitrine_gateway.forms import show_problem, stripped
from vitrine_gateway.state import current_gateway
from vitrine_gateway.studio.routes import bp

WEBHOOKS = "users:webhooks"
PAGE_SIZE = 50
OVERLAPS = {"86400": "a day", "3600": "an hour", "604800": "a week", "0": "not at all"}
REASONS = {
    "bad-address": "no address to send to",
    "forbidden-address": "not a public address",
    "host-not-found": "no such host",
    "no-answer": "hung up without an answer",
    "not-reached": "nothing listens there",
    "timeout": "no answer in time",
    "tls-failed": "no trusted connection (TLS)",
}
"""Why there was no answer, in words."""
REFUSALS = (Conflict, NotFound, Unprocessable)


class WebhookForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Where events are told, and which."""

    url = StringField(
        "Address", filters=[stripped], validators=[DataRequired("Enter an address."), Length(max=2000)]
    )
    description = StringField("What it is for", filters=[stripped], validators=[Length(max=200)])
    event_types = SelectMultipleField(
        "Events",
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        # Not DataRequired: it would mark each box as required, and browsers then want all of them ticked.
        validators=[Length(1, message="Choose one at least.")],
    )
    include_email = BooleanField("Tell the person's e-mail address too")


class RotationForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """For how long the former secret goes on counting."""

    overlap_s = SelectField(
        "The former secret goes on counting for",
        choices=[SelectChoice(value, label) for value, label in OVERLAPS.items()],
    )


async def _offer_events(form: WebhookForm) -> None:
    types = await current_gateway().webhooks.event_types(current_user.access_token)
    form.event_types.choices = [SelectChoice(one.name, one.summary) for one in types]


@bp.page("/webhooks", access=WEBHOOKS, methods=("GET", "POST"))
async def webhooks() -> ResponseReturnValue:
    """All webhooks, and the form for another; the secret of one just made is shown this once."""
    client, token = current_gateway().webhooks, current_user.access_token
    form = WebhookForm()
    await _offer_events(form)
    made: Webhook | None = None
    if form.validate_on_submit():
        try:
            made = await client.create(
                token,
                url=form.url.data,
                description=form.description.data,
                event_types=form.event_types.data,
                include_email=form.include_email.data,
            )
        except REFUSALS as problem:
            show_problem(form, problem)
    shown = render_template(
        "studio/webhooks.html", form=form, made=made, webhooks=await client.webhooks(token)
    )
    return shown, 422 if form.is_submitted() and made is None else 200


@bp.page("/webhooks/<uuid:webhook_id>", access=WEBHOOKS, methods=("GET", "POST"))
async def webhook(webhook_id: UUID) -> ResponseReturnValue:
    """One webhook: its form, what can be done with it, and what was sent, newest first."""
    client, token = current_gateway().webhooks, current_user.access_token
    found = await client.webhook(token, str(webhook_id))
    form = WebhookForm(obj=found)
    await _offer_events(form)
    if form.validate_on_submit():
        try:
            await client.change(
                token,
                str(webhook_id),
                url=form.url.data,
                description=form.description.data,
                event_types=form.event_types.data,
                include_email=form.include_email.data,
            )
        except REFUSALS as problem:
            show_problem(form, problem)
        else:
            flash("Changed.")
            return redirect(url_for("studio.webhook", webhook_id=webhook_id), 303)
    return await _page(found, form), 422 if form.is_submitted() else 200


@bp.page("/webhooks/<uuid:webhook_id>/deeds", access=WEBHOOKS, methods=("POST",))
async def change_webhook(webhook_id: UUID) -> ResponseReturnValue:
    """Switches a webhook on or off, sends a test event, or deletes it; the button says which."""
    client, token, name = current_gateway().webhooks, current_user.access_token, str(webhook_id)
    deed = request.form.get("deed", "")
    try:
        if deed in {"on", "off"}:
            await client.change(token, name, enabled=deed == "on")
            flash("Switched on." if deed == "on" else "Switched off.")
        elif deed == "test":
            await client.send_test(token, name)
            flash("The test event is on its way. Look at this page again to see what became of it.")
        elif deed == "delete":
            await client.delete(token, name)
            flash("Deleted.")
            return redirect(url_for("studio.webhooks"), 303)
        else:
            raise BadRequest("This is nothing that can be done with a webhook.")
    except REFUSALS as problem:
        flash(problem.detail or problem.title, "error")
    return redirect(url_for("studio.webhook", webhook_id=webhook_id), 303)


@bp.page("/webhooks/<uuid:webhook_id>/secret", access=WEBHOOKS, methods=("POST",))
async def rotate_secret(webhook_id: UUID) -> ResponseReturnValue:
    """Gives a webhook a new secret, and shows it this once."""
    client, token = current_gateway().webhooks, current_user.access_token
    rotation = RotationForm()
    if not rotation.validate_on_submit():
        raise BadRequest("Choose for how long the former secret goes on counting.")
    rotated = await client.rotate(token, str(webhook_id), int(rotation.overlap_s.data))
    form = WebhookForm(formdata=None, obj=rotated)
    await _offer_events(form)
    return await _page(rotated, form)


@bp.page("/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>", access=WEBHOOKS)
async def delivery(webhook_id: UUID, delivery_id: UUID) -> ResponseReturnValue:
    """One delivery: what is sent, and what became of each attempt."""
    client, token = current_gateway().webhooks, current_user.access_token
    found = await client.delivery(token, str(webhook_id), str(delivery_id))
    return render_template(
        "studio/webhook_delivery.html", delivery=found, webhook_id=webhook_id, reasons=REASONS
    )


@bp.page(
    "/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/again", access=WEBHOOKS, methods=("POST",)
)
async def send_again(webhook_id: UUID, delivery_id: UUID) -> ResponseReturnValue:
    """Sends an event once more, under its same id."""
    try:
        await current_gateway().webhooks.send_again(
            current_user.access_token, str(webhook_id), str(delivery_id)
        )
    except REFUSALS as problem:
        flash(problem.detail or problem.title, "error")
    else:
        flash("It is on its way again.")
    return redirect(url_for("studio.delivery", webhook_id=webhook_id, delivery_id=delivery_id), 303)


async def _page(found: Webhook, form: WebhookForm) -> str:
    client, token = current_gateway().webhooks, current_user.access_token
    after = request.args.get("after", "")[:1024]
    query = {"limit": str(PAGE_SIZE), **({"after": after} if after else {})}
    page = await client.deliveries(token, found.id, query)
    following = url_for("studio.webhook", webhook_id=found.id, after=page.after) if page.after else None
    return render_template(
        "studio/webhook.html",
        webhook=found,
        form=form,
        rotation=RotationForm(formdata=None),
        page=page,
        following=following,
        reasons=REASONS,
    )

"""What every form of the gateway shares: a key that makes a double submit harmless, and where API errors are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_wtf import FlaskForm
from vitrine_kit.ids import new_id
from vitrine_kit.problems import FieldError, Problem
from wtforms import Field, HiddenField
from wtforms.validators import Regexp

KEY_PATTERN = r"^[A-Za-z0-9-]{8,64}$"


def stripped(value: Any) -> Any:
    """A filter for text fields: no blanks at the ends, no NUL characters, line ends as the web writes them."""
    return value.replace("\0", "").replace("\r\n", "\n").strip() if isinstance(value, str) else value


class KeyedForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A form whose submission carries a key: sent twice, it is done once (Idempotency-Key)."""

    key = HiddenField(validators=[Regexp(KEY_PATTERN)], default=lambda: str(new_id()))

    def renew_key(self) -> None:
        """A fresh key, for a form shown again after a refusal: what is sent next is another request."""
        self.key.data = str(new_id())


def add_error(field: Field, message: str) -> None:
    """Adds an error to a field that has been validated already."""
    field.errors = [*field.errors, message]


def show_problem(form: FlaskForm, problem: Problem, names: Mapping[str, str] | None = None) -> None:
    """Shows a refusal at the fields it names; what belongs to no field of the form stands above it.

    `names` maps the API's field paths to names of the form's fields, where they differ.
    """
    placed = [error for error in problem.errors if _place(form, error, names or {})]
    rest: Sequence[FieldError] = [error for error in problem.errors if error not in placed]
    form.form_errors = [*form.form_errors, *(_sentence(error) for error in rest)]
    if not problem.errors:
        form.form_errors = [*form.form_errors, problem.detail or problem.title]


def _place(form: FlaskForm, error: FieldError, names: Mapping[str, str]) -> bool:
    path = error.field.removeprefix("body.")
    for prefix in _prefixes(path):
        field = form._fields.get(names.get(prefix, prefix))
        if field is not None and not hasattr(field, "entries"):
            add_error(field, error.message)
            return True
    return False


def _prefixes(path: str) -> Iterable[str]:
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        yield ".".join(parts[:end])


def _sentence(error: FieldError) -> str:
    return f"{error.field}: {error.message}" if error.field and error.field != "body" else error.message

"""SCIM filters and orders as SQL: one condition for each comparison, values always as parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scim2_models import ScimFilter
from scim2_models.path import (
    CompareOperator,
    Comparison,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
    coerce_value,
)
from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true
from sqlalchemy.sql.elements import SQLCoreOperations

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Attribute:
    """Where an attribute's value stands: a column or an expression, and whether its case counts."""

    value: SQLCoreOperations[Any]
    exact: bool = False
    text: bool = True
    equals: Callable[[str], Condition] | None = None
    """A quicker way to find the one that equals a text, where there is an index for it."""


@dataclass(frozen=True, slots=True)
class Entries:
    """An attribute of many values: its parts by their names, and what makes "one of them is so" of a condition."""

    parts: Mapping[str, Attribute]
    exists: Callable[[Condition], Condition]


@dataclass(frozen=True, slots=True)
class Columns:
    """What filters and orders of one kind of resource may name, by the names of the model's fields."""

    single: Mapping[str, Attribute]
    many: Mapping[str, Entries]


def condition_of(bound: ScimFilter[Any], columns: Columns) -> Condition:
    """A filter as a condition.

    Raises:
        scim2_models.SCIMException: a comparison is none that its attribute can take.
    """
    return _Conditions(bound, columns).visit(bound.ast)


def compare(attribute: Attribute, op: CompareOperator, value: Any) -> Condition:
    """One comparison; what has no value equals nothing but null, and differs from everything else."""
    found, wanted = attribute.value, value
    if wanted is None:
        if op == CompareOperator.eq:
            return found.is_(None)
        return found.is_not(None) if op == CompareOperator.ne else false()
    if isinstance(wanted, datetime) and wanted.tzinfo is None:
        wanted = wanted.replace(tzinfo=UTC)
    if attribute.text:
        wanted = str(wanted).replace("\0", "")
        if op == CompareOperator.eq and attribute.equals is not None:
            return attribute.equals(wanted)
        if not attribute.exact:
            found, wanted = func.lower(found), wanted.lower()
    conditions: dict[CompareOperator, Callable[[], Condition]] = {
        CompareOperator.eq: lambda: found == wanted,
        CompareOperator.ne: lambda: found.is_distinct_from(wanted),
        CompareOperator.co: lambda: found.contains(wanted, autoescape=True),
        CompareOperator.sw: lambda: found.startswith(wanted, autoescape=True),
        CompareOperator.ew: lambda: found.endswith(wanted, autoescape=True),
        CompareOperator.gt: lambda: found > wanted,
        CompareOperator.ge: lambda: found >= wanted,
        CompareOperator.lt: lambda: found < wanted,
        CompareOperator.le: lambda: found <= wanted,
    }
    return conditions[op]()


def present(attribute: Attribute) -> Condition:
    """Whether there is a value, and no empty text."""
    found = attribute.value.is_not(None)
    return and_(found, attribute.value != "") if attribute.text else found


class _Logic(FilterVisitor[Condition]):
    def visit_not(self, node: Not) -> Condition:
        # What cannot be compared, for want of a value, is false. It matters only here, where no index would help.
        return not_(func.coalesce(self.visit(node.expr), false()))

    def visit_logical_expr(self, node: LogicalExpr) -> Condition:
        join = and_ if node.op == LogicalOperator.and_ else or_
        return join(*(self.visit(term) for term in node.terms))


class _Conditions(_Logic):
    """The conditions on a resource."""

    def __init__(self, bound: ScimFilter[Any], columns: Columns) -> None:
        self._bound = bound
        self._columns = columns

    def visit_comparison(self, node: Comparison) -> Condition:
        binding = self._bound.resolve_comparison(node.attr_path, strict=False)
        if binding is None:
            return false()
        value = coerce_value(binding, node.value, node.op)
        entries = self._columns.many.get(binding.field_name)
        if entries is not None:
            part = entries.parts.get(binding.sub_field_name or "value")
            if part is None:
                return false()
            if node.op == CompareOperator.ne:  # that none of them is so
                return not_(entries.exists(compare(part, CompareOperator.eq, value)))
            return entries.exists(compare(part, node.op, value))
        attribute = self._columns.single.get(_key(binding))
        return false() if attribute is None else compare(attribute, node.op, value)

    def visit_present(self, node: Present) -> Condition:
        binding = self._bound.resolve(node.attr_path, strict=False)
        if binding is None:
            return false()
        entries = self._columns.many.get(binding.field_name)
        if entries is not None:
            part = entries.parts.get(binding.sub_field_name or "")
            return entries.exists(true() if part is None else present(part))
        key = _key(binding)
        below = [
            one for name, one in self._columns.single.items() if name == key or name.startswith(f"{key}.")
        ]
        return or_(false(), *(present(one) for one in below))

    def visit_value_path(self, node: ValuePath) -> Condition:
        binding = self._bound.resolve(node.attr_path, strict=False)
        entries = self._columns.many.get(binding.field_name) if binding is not None else None
        if entries is None:
            return false()
        return entries.exists(_OfEntry(entries.parts).visit(node.val_filter))


class _OfEntry(_Logic):
    """The conditions on one value of an attribute that has many."""

    def __init__(self, parts: Mapping[str, Attribute]) -> None:
        self._parts = parts

    def visit_comparison(self, node: Comparison) -> Condition:
        part = self._parts.get(node.attr_path.attr.lower().removeprefix("$"))
        return false() if part is None else compare(part, node.op, node.value)

    def visit_present(self, node: Present) -> Condition:
        part = self._parts.get(node.attr_path.attr.lower().removeprefix("$"))
        return false() if part is None else present(part)

    def visit_value_path(self, node: ValuePath) -> Condition:
        return false()


def order_of(
    sort_binding: Any, columns: Columns, *, descending: bool, tie: ColumnElement[Any]
) -> list[ColumnElement[Any]]:
    """The order of a list; what has no value comes last, or first where the order is descending."""
    attribute = columns.single.get(_key(sort_binding)) if sort_binding is not None else None
    if attribute is None:
        return [tie.desc()]
    value = attribute.value if attribute.exact or not attribute.text else func.lower(attribute.value)
    return [value.desc().nulls_first() if descending else value.asc().nulls_last(), tie.desc()]


def _key(binding: Any) -> str:
    return f"{binding.field_name}.{binding.sub_field_name}" if binding.sub_field_name else binding.field_name


__all__ = ["Attribute", "Columns", "Condition", "Entries", "condition_of", "order_of"]

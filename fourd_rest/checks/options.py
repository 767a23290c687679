"""The options of one dataclass, each checked by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from fourd_rest.dataclass import DataClass, registry
from fourd_rest.dataclass.left_out import IS_RESERVED
from fourd_rest.dataclass.members import members
from fourd_rest.dataclass.names import RESERVED, is_name
from fourd_rest.dataclass.options import NAMING
from fourd_rest.dataclass.values import is_binary, value_type
from fourd_rest.sql.text_folding import TEXT_FIELDS

from .hints import LEGAL_NAME, nearest

# What is wrong, and the remedy.
Fault: TypeAlias = tuple[str, str]

_COUNTING = frozenset(
    {"BigIntegerField", "IntegerField", "PositiveBigIntegerField", "PositiveIntegerField"}
)


def unknown_options(dataclass: DataClass) -> Iterator[CheckMessage]:
    """Attributes of the dataclass that are no option (E003)."""
    for option in sorted(registry.unknown_options.get(dataclass.model, ())):
        yield Error(
            f"The dataclass {dataclass.name} has an unknown option {option!r}",
            hint=f"{nearest(option, DataClass.OPTIONS)} Begin names of your own with an underscore.",
            obj=dataclass.model,
            id="fourd_rest.E003",
        )


def option_faults(dataclass: DataClass) -> Iterator[CheckMessage]:
    """What is wrong with the value of each option: the codes of ``OPTION_CHECKS``."""
    for option, (check_id, check) in OPTION_CHECKS.items():
        for text, hint in check(dataclass, getattr(dataclass, option)):
            yield Error(
                f"Option {option!r}: {text}",
                hint=hint,
                obj=dataclass.model,
                id=f"fourd_rest.{check_id}",
            )


def _name(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, str) or not is_name(value):
        yield f"{value!r} is no name of a dataclass", LEGAL_NAME


def _fields(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if value is not None:
        yield from _field_names(dataclass, value)


def _field_names(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        yield f"{value!r} is no list of texts", "Name fields as in Python, or leave the option out."
        return
    for name in value:
        yield from _field_name(dataclass.model, name)
    for name in sorted({name for name in value if value.count(name) > 1}):
        yield f"it names {name!r} twice", "Remove one of them."


def _readonly_fields(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if isinstance(value, (list, tuple)):
        # A computed attribute with a setter may be among them.
        derived = _derived_names(dataclass)
        value = [name for name in value if not isinstance(name, str) or name not in derived]
    yield from _field_names(dataclass, value)


def _derived_names(dataclass: DataClass) -> set[Any]:
    """What ``computed`` and ``annotations`` name, as far as they can be read."""
    given = (dataclass.computed, dataclass.annotations)
    return {
        name
        for names in given
        if isinstance(names, (list, tuple, dict))
        for name in names
        if isinstance(name, str)
    }


def _field_name(model: type[models.Model], name: Any) -> Iterator[Fault]:
    known = {*members(model), *(field.name for field in model._meta.private_fields)}
    if name not in known:
        yield f"{model._meta.label} has no field {name!r}", _field_hint(model, str(name), known)


def _field_hint(model: type[models.Model], name: str, known: set[str]) -> str:
    """What may have been meant: a relation's column and its query name are not its name."""
    try:
        member: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return nearest(name, known)
    if isinstance(member, models.Field):
        return f"Name the relation, not its column: {member.name!r}."
    return f"A reverse relation is named as in Python: {member.get_accessor_name()!r}."


def _names(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield f"{value!r} is no dict", "Give a dict of field names and their names on the wire."
        return
    derived = _derived_names(dataclass)
    for name, wire_name in value.items():
        if name not in derived:
            yield from _field_name(dataclass.model, name)
        if not isinstance(wire_name, str) or not is_name(wire_name):
            yield f"{wire_name!r} is no name of an attribute", LEGAL_NAME
        elif wire_name in RESERVED:
            yield f"{wire_name!r} is taken: {IS_RESERVED}", "Choose another name."


def _naming(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, str) or value not in NAMING:
        yield f"{value!r} is unknown", f"Choose from: {', '.join(map(repr, NAMING))}."


def _ordering(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if value is None:
        return
    if not isinstance(value, (list, tuple)):
        yield f"{value!r} is no list", "Give a list of field names, '-' before those that descend."
        return
    for item in value:
        if hasattr(item, "resolve_expression"):
            continue
        if not isinstance(item, str) or not _leads_somewhere(dataclass.model, item.removeprefix("-")):
            yield f"{item!r} cannot be sorted by", "Name fields as in order_by() of a queryset."


def _leads_somewhere(model: type[models.Model], path: str) -> bool:
    """Whether ``path`` is one of ``order_by()``: fields, through relations, then transforms."""
    at: type[models.Model] | None = model
    field: Any = None
    for part in path.split("__"):
        try:
            if at is None:
                raise FieldDoesNotExist
            field = at._meta.pk if part == "pk" else at._meta.get_field(part)
            at = field.related_model
        except FieldDoesNotExist:
            if field is None or field.is_relation or field.get_transform(part) is None:
                return False
    return True


def _stamp_field(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    field = column_of(dataclass.model, value)
    if value is not None and field is None:
        yield f"{dataclass.model._meta.label} has no column {value!r}", _STAMP_HINT
        return
    if value is None and dataclass.stamp_column is not None:
        field = column_of(dataclass.model, dataclass.stamp_column)  # of the base class ``Stamped``
    if field is None:
        return
    if field.get_internal_type() not in _COUNTING or field.null or field.primary_key:
        yield f"{field.name!r} cannot count the saves of an entity", _STAMP_HINT
    elif not (isinstance(default := field.get_default(), int) and default >= 1):
        yield f"{field.name!r} does not begin with 1", _STAMP_HINT
    if field.model._meta.label_lower != dataclass.stamp_label:
        yield (
            f"{field.name!r} is not in the topmost table, {dataclass.stamp_label}",
            "Saves of the parent alone would not move it: add the column there.",
        )


_STAMP_HINT = "Use models.PositiveIntegerField(default=1, editable=False), or the base class Stamped."


def _timestamp_field(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if value is None:
        return
    field = column_of(dataclass.model, value)
    stamp = column_of(dataclass.model, dataclass.stamp_column)
    if field is None or field.get_internal_type() != "DateTimeField":
        yield (
            f"{value!r} is no DateTimeField of {dataclass.model._meta.label}",
            "Use models.DateTimeField(default=timezone.now, editable=False).",
        )
    elif stamp is None:
        yield "it has no effect without 'stamp_field'", "Set both, or none."
    elif field.model is not stamp.model:
        yield f"{value!r} is not in the table of the stamp", "Keep both in one table."


def column_of(model: type[models.Model], name: Any) -> models.Field[Any, Any] | None:
    """The field ``name`` of ``model`` that has a column; None if there is none, for any ``name``."""
    return next((field for field in model._meta.concrete_fields if field.name == name), None)


def _page_size(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        yield f"{value!r} is no whole number above 0", "Leave it out for the setting PAGE_SIZE."


def _flag(hint: str) -> Callable[[DataClass, Any], Iterator[Fault]]:
    def check(dataclass: DataClass, value: Any) -> Iterator[Fault]:
        if not isinstance(value, bool):
            yield f"{value!r} is neither True nor False", hint

    return check


def _object_permissions(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, bool):
        yield f"{value!r} is neither True nor False", "Leave it out to ask for rights on the dataclass."
    elif value and not dataclass.grants_by_rows:
        yield (
            "there is no get_queryset that could grant anything",
            "Define get_queryset(request) to give the entities that the user may read.",
        )


def _computed(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        yield f"{value!r} is no list of texts", "Name properties and methods of the model."
        return
    for name in sorted({name for name in value if value.count(name) > 1}):
        yield f"it names {name!r} twice", "Remove one of them."


def _annotations(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield f"{value!r} is no dict", "Give a dict of names and expressions, as for annotate()."
        return
    for name in value:
        if not isinstance(name, str) or not name.isidentifier() or not is_name(name):
            yield f"{name!r} is no name of an annotation", LEGAL_NAME


def _aliases(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield f"{value!r} is no dict", "Give a dict of names and paths: {'bossName': 'boss.name'}."
        return
    for name, path in value.items():
        if not isinstance(name, str) or not is_name(name):
            yield f"{name!r} is no name of an attribute", LEGAL_NAME
        if not isinstance(path, str):
            yield f"{path!r} is no path", "Give wire names with dots between: 'boss.name'."


_KEPT = "Use models.CharField(max_length=..., blank=True, editable=False), null=True beside a null."


def _folded(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield f"{value!r} is no dict", "Give a dict of text fields and columns: {'name': 'name_folded'}."
        return
    for name, column in value.items():
        faults = [*_text_field(dataclass.model, name), *_text_field(dataclass.model, column)]
        yield from faults or _folded_column(dataclass.model, name, column)
    columns = [*map(str, value.values())]
    for column in sorted({column for column in columns if column in value or columns.count(column) > 1}):
        yield f"{column!r} would hold more than one text", "Give every text a column of its own."


def _folded_column(model: type[models.Model], name: str, column: str) -> Iterator[Fault]:
    source, kept = column_of(model, name), column_of(model, column)
    assert source is not None and kept is not None  # noqa: S101  (both are text fields)
    if source.model is not kept.model:
        yield f"{column!r} is not in the table of {name!r}", "Keep both in one table."
    if source.null and not kept.null:
        yield f"{column!r} cannot be null, but {name!r} can", _KEPT
    if source.blank and not kept.blank:
        yield f"{column!r} cannot be empty, but {name!r} can", _KEPT


def _database_comparison(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, (list, tuple)):
        yield f"{value!r} is no list of texts", "Name text fields as in Python, or leave the option out."
        return
    for name in value:
        field = column_of(dataclass.model, name)
        if field is None or not (field.is_relation or is_binary(field) or value_type(field).is_opaque):
            yield from _text_field(dataclass.model, name)


def _text_field(model: type[models.Model], name: Any) -> Iterator[Fault]:
    field = column_of(model, name)
    if field is None:
        known = {field.name for field in model._meta.concrete_fields}
        yield f"{model._meta.label} has no field {name!r}", nearest(name, known)
    elif not isinstance(field, TEXT_FIELDS):
        yield f"{name!r} is no text", "Name a CharField or a TextField."


OPTION_CHECKS: dict[str, tuple[str, Callable[[DataClass, Any], Iterator[Fault]]]] = {
    "name": ("E004", _name),
    "fields": ("E005", _fields),
    "exclude": ("E006", _field_names),
    "names": ("E007", _names),
    "naming": ("E008", _naming),
    "readonly_fields": ("E009", _readonly_fields),
    "ordering": ("E010", _ordering),
    "stamp_field": ("E011", _stamp_field),
    "timestamp_field": ("E012", _timestamp_field),
    "page_size": ("E013", _page_size),
    "delete_replaced_files": ("E014", _flag("Leave it out to keep replaced files.")),
    "delete_files": ("E022", _flag("Leave it out to keep the files of deleted entities.")),
    "allow_delete_all": ("E028", _flag("Leave it out to refuse deletes without key or filter.")),
    "allow_stamp_override": ("E023", _flag("Leave it out to have stamps compared.")),
    "object_permissions": ("E029", _object_permissions),
    "computed": ("E019", _computed),
    "annotations": ("E020", _annotations),
    "aliases": ("E021", _aliases),
    "folded": ("E025", _folded),
    "database_comparison": ("E026", _database_comparison),
}

"""System checks: the settings, the options of dataclasses, and what a site can hardly see by itself.

None of them opens a database connection but E027, which ``check --database``, ``migrate`` and, from
Django 6.1, every ``check`` run. ``manage.py check --tag fourd_rest`` runs these alone.

==== ===========================================================================================
E001 a key of ``FOURD_REST`` that does not exist
E002 a value of ``FOURD_REST`` that is not allowed
E003 an option of a dataclass that does not exist
E004 option ``name``: no name that an address can hold
E005 option ``fields``: no list of field names, or a field that the model does not have
E006 option ``exclude``: likewise
E007 option ``names``: no dict, a field that the model does not have, or a name that is none
E008 option ``naming``: unknown
E009 option ``readonly_fields``: as ``fields``
E010 option ``ordering``: no list, or a path that leads nowhere
E011 option ``stamp_field``: no column that can count, or not in the topmost table
E012 option ``timestamp_field``: no time, or not beside the stamp
E013 option ``page_size``: no whole number above 0
E014 option ``delete_replaced_files``: neither True nor False
E015 two models under one name
E016 two attributes of one model under one name
E017 a model whose database does not get the tables of this app
E018 models of one table that keep their stamps in different places
E019 option ``computed``: no list of names
E020 option ``annotations``: no dict, or a name that is none
E021 option ``aliases``: no dict, a name that is none, or no path
E022 option ``delete_files``: neither True nor False
E023 option ``allow_stamp_override``: likewise
E024 a computed attribute without a type, an annotation that SQL refuses, an alias that leads nowhere
E025 option ``folded``: no dict of text fields, or a column that cannot hold what it is to hold
E026 option ``database_comparison``: no list of text fields
E027 a PostgreSQL database that cannot compare texts by 4D's rule: not in UTF8, or LC_CTYPE is C
E028 option ``allow_delete_all``: neither True nor False
W001 a registered model that cannot be exposed
W002 a user model that is registered without ``fields``
W003 a field that ``fields`` names and that cannot be exposed
W004 uploads wait in a storage with a public address
W005 SQLite without ``transaction_mode`` IMMEDIATE
W006 a guest permission that no registered model has
W007 a folded column that is exposed, or shorter than its text
I001 generic relations that are left out
==== ===========================================================================================
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.core.files.storage import InvalidStorageError, Storage, default_storage
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, models, router
from django.utils.module_loading import import_string

from . import conf
from .dataclass import DataClass, registry
from .dataclass.attributes import is_name, is_user_model, members
from .dataclass.options import NAMING
from .models import BlobAttachment, EntityStamp
from .query.folding import TEXT_FIELDS, compares_as_4d
from .uploads.pictures import FORMATS
from .uploads.store import UPLOADS_ALIAS

# What is wrong, and the remedy.
Fault: TypeAlias = tuple[str, str]

_COUNTING = frozenset(
    {"BigIntegerField", "IntegerField", "PositiveBigIntegerField", "PositiveIntegerField"}
)
_LEGAL_NAME = "A name consists of letters, digits and underscores and begins with a letter."


def _nearest(name: object, known: Iterable[str]) -> str:
    """A hint with the known name that ``name`` was probably meant to be, else with all of them."""
    names = sorted(known)
    close = get_close_matches(str(name), names, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(names)}."


# Settings


@register("fourd_rest")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    given = getattr(django_settings, "FOURD_REST", {})
    found: list[CheckMessage] = []
    for problem in conf.problems(given):
        if problem.unknown:
            hint = _nearest(problem.key, conf.NAMES)
            found.append(Error(problem.text, hint=hint, id="fourd_rest.E001"))
        else:
            found.append(_wrong_setting(problem.text, problem.key))
    if not found:
        found += [
            _wrong_setting(f"FOURD_REST['PICTURE_FORMATS'] holds {name!r}", "PICTURE_FORMATS", FORMATS)
            for name in conf.current().PICTURE_FORMATS
            if name not in FORMATS
        ]
        found += filter(None, map(_unusable_validator, conf.current().UPLOAD_VALIDATORS))
    return found


def _unusable_validator(path: str) -> Error | None:
    try:
        if callable(import_string(path)):
            return None
        text = "no function"
    except ImportError as error:
        text = str(error)
    return _wrong_setting(f"FOURD_REST['UPLOAD_VALIDATORS'] holds {path!r}: {text}", "UPLOAD_VALIDATORS")


def _wrong_setting(text: str, key: str, choices: Iterable[str] = ()) -> Error:
    hint = "Make it a dict, or leave it out."
    if choices:
        hint = f"Choose from: {', '.join(sorted(choices))}."
    elif key:
        hint = f"Leave it out for the default: {getattr(conf.DEFAULTS, key)!r}."
    return Error(text, hint=hint, id="fourd_rest.E002")


@register("fourd_rest")
def check_guest_permissions(**kwargs: Any) -> list[CheckMessage]:
    """A mistyped permission grants nothing, and nobody would notice why."""
    given = getattr(django_settings, "FOURD_REST", {})
    if any(conf.problems(given)):
        return []
    known = {
        f"{dataclass.model._meta.app_label}.{action}_{dataclass.model._meta.model_name}"
        for dataclass in registry.everything()
        for action in ("view", "add", "change", "delete")
    }
    return [
        Warning(
            f"FOURD_REST['GUEST_PERMISSIONS'] names {permission!r}, which no registered model has",
            hint=_nearest(permission, known),
            id="fourd_rest.W006",
        )
        for permission in conf.current().GUEST_PERMISSIONS
        if permission not in known
    ]


# Options of one dataclass


@register("fourd_rest")
def check_dataclasses(**kwargs: Any) -> list[CheckMessage]:
    dataclasses = registry.everything()
    found: list[CheckMessage] = []
    for dataclass in dataclasses:
        found += _unknown_options(dataclass)
        found += _option_faults(dataclass)
    if found:
        # What follows from the options can be told once they are right.
        return found
    exposed = [dataclass for dataclass in dataclasses if dataclass.left_out is None]
    found += _models_left_out(dataclasses)
    found += _one_name(exposed)
    found += _one_place_of_stamps(exposed)
    for dataclass in exposed:
        found += _user_model(dataclass)
        found += _fields_left_out(dataclass)
        found += _one_attribute(dataclass)
        found += _derived_left_out(dataclass)
        found += _unsuitable_folded(dataclass)
    return found


def _unknown_options(dataclass: DataClass) -> Iterator[CheckMessage]:
    for option in sorted(registry.unknown_options.get(dataclass.model, ())):
        yield Error(
            f"The dataclass {dataclass.name} has an unknown option {option!r}",
            hint=f"{_nearest(option, DataClass.OPTIONS)} Begin names of your own with an underscore.",
            obj=dataclass.model,
            id="fourd_rest.E003",
        )


def _option_faults(dataclass: DataClass) -> Iterator[CheckMessage]:
    for option, (check_id, judge) in _JUDGES.items():
        for text, hint in judge(dataclass, getattr(dataclass, option)):
            yield Error(
                f"Option {option!r}: {text}",
                hint=hint,
                obj=dataclass.model,
                id=f"fourd_rest.{check_id}",
            )


def _name(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, str) or not is_name(value):
        yield f"{value!r} is no name of a dataclass", _LEGAL_NAME


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
        return _nearest(name, known)
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
            yield f"{wire_name!r} is no name of an attribute", _LEGAL_NAME


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
    field = _column(dataclass.model, value)
    if value is not None and field is None:
        yield f"{dataclass.model._meta.label} has no column {value!r}", _STAMP_HINT
        return
    if value is None and dataclass.stamp_column is not None:
        field = _column(dataclass.model, dataclass.stamp_column)  # of the base class ``Stamped``
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
    field = _column(dataclass.model, value)
    stamp = _column(dataclass.model, dataclass.stamp_column)
    if field is None or field.get_internal_type() != "DateTimeField":
        yield (
            f"{value!r} is no DateTimeField of {dataclass.model._meta.label}",
            "Use models.DateTimeField(default=timezone.now, editable=False).",
        )
    elif stamp is None:
        yield "it has no effect without 'stamp_field'", "Set both, or none."
    elif field.model is not stamp.model:
        yield f"{value!r} is not in the table of the stamp", "Keep both in one table."


def _column(model: type[models.Model], name: Any) -> models.Field[Any, Any] | None:
    return next((field for field in model._meta.concrete_fields if field.name == name), None)


def _page_size(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        yield f"{value!r} is no whole number above 0", "Leave it out for the setting PAGE_SIZE."


def _flag(hint: str) -> Callable[[DataClass, Any], Iterator[Fault]]:
    def judge(dataclass: DataClass, value: Any) -> Iterator[Fault]:
        if not isinstance(value, bool):
            yield f"{value!r} is neither True nor False", hint

    return judge


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
            yield f"{name!r} is no name of an annotation", _LEGAL_NAME


def _aliases(dataclass: DataClass, value: Any) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield f"{value!r} is no dict", "Give a dict of names and paths: {'bossName': 'boss.name'}."
        return
    for name, path in value.items():
        if not isinstance(name, str) or not is_name(name):
            yield f"{name!r} is no name of an attribute", _LEGAL_NAME
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
    source, kept = _column(model, name), _column(model, column)
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
        yield from _text_field(dataclass.model, name)


def _text_field(model: type[models.Model], name: Any) -> Iterator[Fault]:
    field = _column(model, name)
    if field is None:
        known = {field.name for field in model._meta.concrete_fields}
        yield f"{model._meta.label} has no field {name!r}", _nearest(name, known)
    elif not isinstance(field, TEXT_FIELDS):
        yield f"{name!r} is no text", "Name a CharField or a TextField."


_JUDGES: dict[str, tuple[str, Callable[[DataClass, Any], Iterator[Fault]]]] = {
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
    "computed": ("E019", _computed),
    "annotations": ("E020", _annotations),
    "aliases": ("E021", _aliases),
    "folded": ("E025", _folded),
    "database_comparison": ("E026", _database_comparison),
}


# What follows from the options


def _models_left_out(dataclasses: list[DataClass]) -> Iterator[CheckMessage]:
    for dataclass in dataclasses:
        if dataclass.left_out is not None:
            yield Warning(
                f"{dataclass.model._meta.label} is registered, but left out: {dataclass.left_out.why}",
                hint="Do not register it, or silence this warning.",
                obj=dataclass.model,
                id="fourd_rest.W001",
            )


def _one_name(dataclasses: list[DataClass]) -> Iterator[CheckMessage]:
    by_name: defaultdict[str, list[DataClass]] = defaultdict(list)
    for dataclass in dataclasses:
        by_name[dataclass.name].append(dataclass)
    for name, (first, *others) in by_name.items():
        for other in others:
            yield Error(
                f"{first.model._meta.label} and {other.model._meta.label} are both called {name!r}",
                hint=f"Give one of them another name: register({name}, name=...).",
                obj=other.model,
                id="fourd_rest.E015",
            )


def _one_attribute(dataclass: DataClass) -> Iterator[CheckMessage]:
    for item in dataclass.fields_left_out:
        if item.rival:
            name = item.source
            if name not in dataclass.aliases:
                name = dataclass.attribute_name(name)
            yield Error(
                f"The fields {item.rival!r} and {item.source!r} are both called {name!r}",
                hint=f"Give one of them another name: names={{{item.source!r}: ...}}.",
                obj=dataclass.model,
                id="fourd_rest.E016",
            )


def _one_place_of_stamps(dataclasses: list[DataClass]) -> Iterator[CheckMessage]:
    """Saves through one model of a table must move the stamp that clients of another one see."""
    first: dict[str, DataClass] = {}
    for dataclass in dataclasses:
        other = first.setdefault(dataclass.stamp_label, dataclass)
        if other.stamp_column != dataclass.stamp_column:
            yield Error(
                f"{other.model._meta.label} and {dataclass.model._meta.label} share rows, "
                "but keep their stamps in different places",
                hint="Give both the same stamp_field.",
                obj=dataclass.model,
                id="fourd_rest.E018",
            )


def _user_model(dataclass: DataClass) -> Iterator[CheckMessage]:
    if is_user_model(dataclass.model) and dataclass.fields is None:
        yield Warning(
            f"The user model {dataclass.model._meta.label} is registered without 'fields'",
            hint="Name the fields that clients need to see; most user models hold personal data.",
            obj=dataclass.model,
            id="fourd_rest.W002",
        )


def _fields_left_out(dataclass: DataClass) -> Iterator[CheckMessage]:
    generic = {field.name for field in dataclass.model._meta.private_fields}
    for item in dataclass.fields_left_out:
        if item.rival or item.source in dataclass.exclude or item in dataclass.derived_left_out:
            continue
        if item.source in (dataclass.fields or ()):
            yield Warning(
                f"{item.what} is named in 'fields', but left out: {item.why}",
                hint="Register the related model too, or do not name the field.",
                obj=dataclass.model,
                id="fourd_rest.W003",
            )
        elif dataclass.fields is None and item.source in generic:
            yield Info(
                f"{item.what} is left out: {item.why}",
                hint=f"Say so with exclude=[{item.source!r}] to be rid of this message.",
                obj=dataclass.model,
                id="fourd_rest.I001",
            )


def _derived_left_out(dataclass: DataClass) -> Iterator[CheckMessage]:
    for item in dataclass.derived_left_out:
        if not item.rival:
            yield Error(
                f"The attribute {item.source!r} cannot be derived: {item.why}",
                hint="Look at 'computed', 'annotations' and 'aliases' of the dataclass.",
                obj=dataclass.model,
                id="fourd_rest.E024",
            )


def _unsuitable_folded(dataclass: DataClass) -> Iterator[CheckMessage]:
    for name, column in dataclass.folded.items():
        source, kept = _column(dataclass.model, name), _column(dataclass.model, column)
        assert source is not None and kept is not None  # noqa: S101  (E025 otherwise)
        hint = ""
        if column in (dataclass.fields or ()):
            hint = "Do not name it in 'fields': clients compare the text itself."
        elif (
            kept.max_length is not None and (source.max_length or kept.max_length + 1) > kept.max_length
        ):
            hint = f"Make {column!r} at least as long as {name!r}, better twice as long (ﬁ becomes fi)."
        if hint:
            yield Warning(
                f"The column {column!r} of {dataclass.model._meta.label} cannot well hold {name!r}",
                hint=hint,
                obj=dataclass.model,
                id="fourd_rest.W007",
            )


# The site around


@register("fourd_rest")
def check_databases(**kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    aliases = {DEFAULT_DB_ALIAS}
    for dataclass in registry.everything():
        if dataclass.left_out is not None:
            continue
        alias = dataclass.write_alias()
        aliases.add(alias)
        tables = (EntityStamp, BlobAttachment)
        if not all(router.allow_migrate_model(alias, table) for table in tables):
            found.append(
                Error(
                    f"The database {alias!r}, where its rows are, lacks the tables of fourd_rest",
                    hint="Let the database router migrate the app 'fourd_rest' there too.",
                    obj=dataclass.model,
                    id="fourd_rest.E017",
                )
            )
    return [*found, *_deferred_transactions(aliases)]


def _deferred_transactions(aliases: set[str]) -> Iterator[CheckMessage]:
    for alias in sorted(aliases):
        connection = connections[alias]
        mode = connection.settings_dict.get("OPTIONS", {}).get("transaction_mode") or "DEFERRED"
        if connection.vendor == "sqlite" and mode.upper() == "DEFERRED":
            yield Warning(
                f"Transactions of the SQLite database {alias!r} begin without the write lock",
                hint='Set OPTIONS["transaction_mode"] = "IMMEDIATE": otherwise a transaction of the '
                "site that reads first fails when another one has written meanwhile.",
                id="fourd_rest.W005",
            )


@register("fourd_rest", Tags.database)
def check_text_comparison(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Told at once, rather than by results that lack what they should hold."""
    if any(conf.problems(getattr(django_settings, "FOURD_REST", {}))):
        return []
    if conf.current().TEXT_COMPARISON != "4d":
        return []
    aliases = {
        dataclass.write_alias()
        for dataclass in registry.everything()
        if dataclass.left_out is None and not any(_option_faults(dataclass)) and _has_texts(dataclass)
    }
    return [
        Error(
            f"The PostgreSQL database {alias!r} cannot compare texts by 4D's rule: {why}",
            hint="Make it anew with ENCODING 'UTF8' and an LC_CTYPE such as C.UTF-8, or set "
            "FOURD_REST['TEXT_COMPARISON'] = 'database'.",
            id="fourd_rest.E027",
        )
        for alias in sorted(aliases.intersection(databases or ()))
        if (why := _cannot_fold(alias))
    ]


def _has_texts(dataclass: DataClass) -> bool:
    return any(
        attribute.type == "string" and compares_as_4d(dataclass, attribute)
        for attribute in dataclass.own_attributes.values()
    )


def _cannot_fold(alias: str) -> str:
    """Why the database cannot fold texts, or nothing."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return ""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT getdatabaseencoding()")
            encoding = cursor.fetchone()[0]
            if encoding != "UTF8":
                return f"its encoding is {encoding}, not UTF8"
            cursor.execute("""SELECT lower('É' COLLATE "default")""")
            if cursor.fetchone()[0] != "é":
                return "its LC_CTYPE knows ASCII letters only (C or POSIX)"
    except OperationalError:
        pass  # a database that is not there is for others to report
    return ""


@register("fourd_rest")
def check_upload_storage(**kwargs: Any) -> list[CheckMessage]:
    if UPLOADS_ALIAS in django_settings.STORAGES or not _has_public_address(default_storage):
        return []
    return [
        Warning(
            "Uploads wait in the default storage, whose files have a public address",
            hint=f"Set STORAGES[{UPLOADS_ALIAS!r}] to a storage that nobody else serves.",
            id="fourd_rest.W004",
        )
    ]


def _has_public_address(storage: Storage) -> bool:
    """Whether a file can be had under an address that needs no signature.

    Told from attributes: to ask a remote storage for an address may need the network.
    """
    try:
        base_url = getattr(storage, "base_url", None)
    except (ImproperlyConfigured, InvalidStorageError):
        return False  # a storage that cannot be made is for others to report
    if base_url is not None:
        return bool(base_url != "/")  # what an empty MEDIA_URL becomes
    return not getattr(storage, "querystring_auth", True)

"""What dataclasses expose by their options: names that clash, and what is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Info, Warning, register

from fourd_rest.dataclass import DataClass, registry
from fourd_rest.dataclass.left_out import IS_RESERVED, LOOKS_SECRET, NO_JOIN
from fourd_rest.dataclass.members import Member, is_user_model, members
from fourd_rest.dataclass.querysets import unfit, unsorted

from .options import column_of, option_faults, unknown_options


@register("fourd_rest")
def check_dataclasses(**kwargs: Any) -> list[CheckMessage]:
    """The options of each dataclass; if none is wrong, what is exposed by them."""
    dataclasses = registry.everything()
    found: list[CheckMessage] = []
    for dataclass in dataclasses:
        found += unknown_options(dataclass)
        found += option_faults(dataclass)
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
        found += _secrets_left_out(dataclass)
        found += _one_attribute(dataclass)
        found += _derived_left_out(dataclass)
        found += _unsuitable_folded(dataclass)
        found += _default_manager(dataclass)
        found += _order(dataclass)
    return found


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
    hints = dict.fromkeys(generic, "I001")
    hints |= {item.source: "I071" for item in dataclass.fields_left_out if item.why == NO_JOIN}
    for item in dataclass.fields_left_out:
        if item.rival or item.source in dataclass.exclude or item in dataclass.derived_left_out:
            continue
        named = item.source in (dataclass.fields or ())
        if item.why == IS_RESERVED:
            told = Error if named else Warning
            yield told(
                f"{item.what} is left out: {item.why}",
                hint=f"Give it another name: names={{{item.source!r}: ...}}, or exclude it.",
                obj=dataclass.model,
                id="fourd_rest.E034" if named else "fourd_rest.W064",
            )
        elif named:
            yield Warning(
                f"{item.what} is named in 'fields', but left out: {item.why}",
                hint="Register the related model too, or do not name the field.",
                obj=dataclass.model,
                id="fourd_rest.W003",
            )
        elif dataclass.fields is None and item.source in hints:
            yield Info(
                f"{item.what} is left out: {item.why}",
                hint=f"Say so with exclude=[{item.source!r}] to be rid of this message.",
                obj=dataclass.model,
                id=f"fourd_rest.{hints[item.source]}",
            )


def _default_manager(dataclass: DataClass) -> Iterator[CheckMessage]:
    if type(dataclass).get_queryset is not DataClass.get_queryset:
        return  # the manager may never be asked
    model = dataclass.model
    try:
        fault = unfit(model, model._default_manager.get_queryset())
    except Exception:  # noqa: BLE001  (one that needs a request is asked with one)
        return
    if fault:
        yield Warning(
            f"The default manager of {model._meta.label} gives {fault}: it cannot be read",
            hint="Override get_queryset() of the dataclass, or name another default manager.",
            obj=model,
            id="fourd_rest.W071",
        )


def _order(dataclass: DataClass) -> Iterator[CheckMessage]:
    for item, why in unsorted(dataclass.model, dataclass.given_order):
        yield Warning(
            f"{dataclass.model._meta.label} is not sorted by {item!r}: {why}",
            hint="Sort by columns of the model or of to-one relations: option 'ordering'.",
            obj=dataclass.model,
            id="fourd_rest.W072",
        )


def _secrets_left_out(dataclass: DataClass) -> Iterator[CheckMessage]:
    """One message per dataclass, not per field: most of these are secrets indeed."""
    everything = members(dataclass.model)
    secrets = [
        item.source
        for item in dataclass.fields_left_out
        if item.why == LOOKS_SECRET and _is_of_use(dataclass, everything[item.source])
    ]
    if secrets:
        yield Info(
            f"{dataclass.model._meta.label} keeps what looks like secrets: {', '.join(secrets)}",
            hint="To expose one, name what clients need in 'fields'. To be rid of this message, say so: "
            f"exclude={secrets!r}.",
            obj=dataclass.model,
            id="fourd_rest.I061",
        )


def _is_of_use(dataclass: DataClass, member: Member) -> bool:
    """Whether the member could be exposed, if it were named."""
    if not member.is_relation:
        return True
    model: Any = member.related_model
    return dataclass.registry.for_model(model) is not None


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
        source, kept = column_of(dataclass.model, name), column_of(dataclass.model, column)
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

"""``DataClass``: what a site says about one exposed model, and what follows from it.

Its names are those of Django's ``ModelAdmin``, where that has the same option or hook.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeAlias

from django.contrib.auth import get_permission_codename
from django.db import connections, models, router
from django.db.models import F, Func, Value
from django.db.models.lookups import Exact

from fourd_rest.conf import current

from .attributes import AnyAttribute, FileAttribute, Relation
from .left_out import LeftOut
from .members import is_identity, key_field, members, own_key, topmost
from .names import RESERVED, camel_case, is_secret
from .querysets import each_once, reads_plainly, unsorted
from .values import ValueType, clean_text, key_text, value_type

if TYPE_CHECKING:
    from django.http import HttpRequest

# What the side table of stamps can hold; a model with a stamp column of its own may have longer keys.
KEY_LENGTH = 255
# Where rights are held on single entities a backend can be asked about one at a time.
UPLOAD_PROBE = 50

_BYTES: models.Field[Any, Any] = models.BinaryField()

NAMING: dict[str, Callable[[str], str]] = {"": str, "camelCase": camel_case}


class Resolved(NamedTuple):
    """Attributes by wire name, in catalog order, and what could be none."""

    attributes: dict[str, Attribute]
    left_out: list[LeftOut]


class Home(Protocol):
    """What a dataclass asks of the registry that it belongs to."""

    def for_model(self, model: type[models.Model]) -> DataClass | None:
        """The exposed dataclass of ``model`` itself."""

    def own_attributes(self, dataclass: DataClass) -> Resolved:
        """The attributes that are fields and relations of the model of ``dataclass``."""

    def derived_attributes(self, dataclass: DataClass) -> Resolved:
        """Those that ``computed``, ``annotations`` and ``aliases`` name."""


class DataClass:
    """One dataclass: an exposed model with its options. Subclass it, or pass options to ``register``.

    Options, all named by Python field names:

    ``name``
        Name on the wire; the model's class name by default.
    ``fields``, ``exclude``
        What is exposed; by default every concrete field and named relation but secrets.
    ``names``, ``naming``
        Wire names of single fields; ``naming = "camelCase"`` turns ``first_name`` into ``firstName``.
    ``readonly_fields``
        Shown, never written (error 1516 if a client changes one).
    ``ordering``
        Default order of collections; the model's own by default. The key breaks ties.
    ``stamp_field``, ``timestamp_field``
        Columns that hold stamp and time of the last save; without ``stamp_field`` a side table does.
    ``page_size``
        Entities of a page if the client does not say; the setting ``PAGE_SIZE`` by default.
    ``delete_replaced_files``
        Whether a file that an update replaces or empties is deleted once the update is committed.
    ``delete_files``
        Whether the files of a deleted entity whose row is gone are deleted once that is committed.
    ``allow_delete_all``
        Whether a delete without key, filter or set may delete every entity.
    ``allow_stamp_override``
        Whether an update with a negative stamp is saved whatever the stored stamp is.
    ``object_permissions``
        Whether what ``get_queryset`` gives a user is what he may read, without a right on the dataclass.
    ``computed``
        Properties and methods of the model, typed by their return annotation.
    ``annotations``
        Computed by SQL: expressions by name, as ``QuerySet.annotate`` takes them.
    ``aliases``
        Attributes of related entities by a name of their own: ``{"employerName": "employer.name"}``,
        a path of wire names over to-one relations.
    ``folded``
        Columns that hold a text of the entity as it is compared: ``{"name": "name_folded"}``. They are
        written on every save, and not exposed unless ``fields`` names them.
    ``database_comparison``
        Text fields that are compared and sorted as the database does it, not by 4D's rule (D-17), and
        custom fields that may be compared by their column, though they could read something else.
    """

    name: str = ""
    fields: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    names: dict[str, str] = {}  # noqa: RUF012  (read only, as in ModelAdmin)
    naming: str = ""
    readonly_fields: Sequence[str] = ()
    ordering: Sequence[str] | None = None
    stamp_field: str | None = None
    timestamp_field: str | None = None
    page_size: int | None = None
    delete_replaced_files: bool = False
    delete_files: bool = False
    allow_delete_all: bool = False
    allow_stamp_override: bool = False
    object_permissions: bool = False
    computed: Sequence[str] = ()
    annotations: dict[str, Any] = {}  # noqa: RUF012  (read only, as in ModelAdmin)
    aliases: dict[str, str] = {}  # noqa: RUF012
    folded: dict[str, str] = {}  # noqa: RUF012
    database_comparison: Sequence[str] = ()

    # The names above: this runs while the class is made, before anything else is in it.
    OPTIONS: ClassVar[tuple[str, ...]] = tuple(name for name in locals() if not name.startswith("_"))

    def __init__(self, model: type[models.Model], registry: Home) -> None:
        self.model = model
        self.registry = registry
        self.name = self.name or model._meta.object_name or ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    # Hooks, as in ModelAdmin.

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """The entities that ``request`` may reach at all; any other is as if it did not exist."""
        return self.model._default_manager.get_queryset()

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether ``request`` may read; as in the admin, who may change may also read."""
        return self._has_permission(request, "view", obj) or self._has_permission(request, "change", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether ``request`` may create entities."""
        return self._has_permission(request, "add", None)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether ``request`` may change ``obj``; without it, every entity."""
        return self._has_permission(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Whether ``request`` may delete ``obj``; without it, every entity."""
        return self._has_permission(request, "delete", obj)

    def has_upload_permission(self, request: HttpRequest) -> bool:
        """Whether ``request`` may upload files for entities of this dataclass (D-15).

        Who may add or change, also single entities where ``object_permissions`` is set: of the newest
        ``UPLOAD_PROBE`` entities that ``get_queryset`` gives one is looked for that ``request`` may
        change. A site that can decide it in one query overrides this.
        """
        if self.has_change_permission(request) or self.has_add_permission(request):
            return True
        rows = self.granted(request)
        if rows is None:
            return False
        bytes_ = [attribute.source for attribute in self.file_attributes if attribute.holds_bytes]
        newest = rows.defer(*bytes_).order_by("-pk")[:UPLOAD_PROBE]
        return any(self.has_change_permission(request, obj) for obj in newest)

    def save_model(self, request: HttpRequest, obj: models.Model, change: bool) -> None:
        """Save ``obj`` inside the transaction of the update; ``change`` is false for a new entity."""
        # A new entity must never overwrite a row that has its key already, nor its parent's row.
        obj.save(force_insert=not change and (models.Model,))

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        """Delete ``obj`` inside the transaction of the request."""
        obj.delete()

    def _has_permission(self, request: HttpRequest, action: str, obj: models.Model | None) -> bool:
        options = self.model._meta
        permission = f"{options.app_label}.{get_permission_codename(action, options)}"
        if permission in current().GUEST_PERMISSIONS:
            return True
        user = request.user
        return user.has_perm(permission) or (obj is not None and user.has_perm(permission, obj))

    def is_described(self, request: HttpRequest) -> bool:
        """Whether ``request`` may know of this dataclass: it holds some right on it (D-21)."""
        return (
            self.has_view_permission(request)
            or self.has_add_permission(request)
            or self.has_change_permission(request)
            or self.has_delete_permission(request)
        )

    def entities(self, request: HttpRequest) -> models.QuerySet[Any]:
        """What ``get_queryset`` gives, each entity once, to be filtered and joined further.

        Raises ``ImproperlyConfigured`` where it gives no queryset of the model, a slice, a union or
        values.
        """
        rows = self.get_queryset(request)
        if not self.restricts_rows:
            return rows
        return each_once(self.model, rows, f"get_queryset() of the dataclass {self.name}")

    def granted(self, request: HttpRequest) -> models.QuerySet[Any] | None:
        """The entities that ``request`` may read because ``get_queryset`` gives them.

        That needs no right on the dataclass (``object_permissions``). None where ``get_queryset`` grants
        nothing: without that option, and to guests, whose rights stand in the settings.
        """
        if not self.grants_by_rows or not request.user.is_authenticated:
            return None
        return self.entities(request)

    # What follows from the options.

    @cached_property
    def grants_by_rows(self) -> bool:
        """Whether ``get_queryset`` is what grants the right to read (``object_permissions``)."""
        own = type(self).get_queryset is not DataClass.get_queryset
        return self.object_permissions is True and own

    @cached_property
    def stamp_column(self) -> str | None:
        """The model's own stamp column, or None where the side table keeps the stamp."""
        return self.stamp_field or self._model_columns[0]

    @cached_property
    def timestamp_column(self) -> str | None:
        """The model's own column with the time of the last save, or None if there is none."""
        return self.timestamp_field or self._model_columns[1]

    @cached_property
    def _model_columns(self) -> tuple[str | None, str | None]:
        """The columns of a model that inherits ``Stamped``, unless the options name others."""
        if self.stamp_field is not None:
            return (None, None)
        return getattr(self.model, "fourd_stamp_columns", (None, None))

    @cached_property
    def folded_columns(self) -> frozenset[str]:
        """The fields that ``folded`` names; none if it is no dict, which the checks report."""
        given: Any = self.folded
        return frozenset(map(str, given.values())) if isinstance(given, dict) else frozenset()

    @cached_property
    def stamp_label(self) -> str:
        """Under which name the side table keeps stamps: the topmost concrete model's label."""
        return topmost(self.model)._meta.label_lower

    @cached_property
    def collection_name(self) -> str:
        """The name of entity selections of this dataclass: the catalog's type of relations to it."""
        return f"{self.name}Selection"

    @cached_property
    def left_out(self) -> LeftOut | None:
        """Why this model cannot be exposed at all, or None."""
        label = self.model._meta.label
        if self.model._meta.abstract:
            return LeftOut(label, "it is abstract and has no rows")
        if self.model._meta.swapped:
            return LeftOut(label, f"it is swapped for {self.model._meta.swapped}")
        field = key_field(self.model)
        if field is None:
            return LeftOut(label, "composite keys have no 4D counterpart")
        if value_type(field).name not in {"word", "long", "long64", "string", "uuid"}:
            return LeftOut(label, "its key is neither a number, a text nor a UUID")
        if self._hides_its_key(field):
            why = "its key may be stored as another text than it is shown"
            return LeftOut(label, f"{why}; if it is not, name it in database_comparison")
        if self.stamp_column is None and (field.max_length or 0) > KEY_LENGTH:
            return LeftOut(label, f"its key is longer than {KEY_LENGTH} characters")
        pk = self.model._meta.pk
        names = [pk.name]
        if value_type(field).name == "string":
            # The text key of a model called Token is a token, whatever the field is called, and so is
            # that of a proxy or child under another name.
            lineage = (base for base in self.model.__mro__ if issubclass(base, models.Model))
            names += [f"{base.__name__.lower()}_{pk.name}" for base in lineage]
        if self.fields is None and any(map(is_secret, names)):
            return LeftOut(label, "its key looks like a secret; name its fields to expose it")
        return None

    def _hides_its_key(self, field: models.Field[Any, Any]) -> bool:
        """Whether stamps, sets and addresses could have different texts for one key."""
        value = value_type(field)
        is_known = self.model._meta.pk.name in self.database_comparison
        return value.name == "string" and value.is_opaque and not is_known

    @cached_property
    def key_type(self) -> ValueType:
        """The type of the key, as it travels. Only for dataclasses that are exposed."""
        field = key_field(self.model)
        assert field is not None  # noqa: S101  (left out otherwise)
        return value_type(field)

    @cached_property
    def _own(self) -> Resolved:
        return self.registry.own_attributes(self)

    @property
    def own_attributes(self) -> dict[str, Attribute]:
        """The attributes that are fields and relations of the model."""
        return self._own.attributes

    @cached_property
    def _derived(self) -> Resolved:
        return self.registry.derived_attributes(self)

    @cached_property
    def attributes(self) -> dict[str, Attribute]:
        """The exposed attributes by wire name, in catalog order."""
        return self.own_attributes | self._derived.attributes

    @property
    def fields_left_out(self) -> list[LeftOut]:
        """What is not exposed though it was chosen, ``derived_left_out`` included."""
        return [*self._own.left_out, *self.derived_left_out]

    @property
    def derived_left_out(self) -> list[LeftOut]:
        """What ``computed``, ``annotations`` and ``aliases`` name and what cannot be exposed."""
        return self._derived.left_out

    @cached_property
    def key_attribute(self) -> Attribute | None:
        """The attribute that shows the key; None if it is not exposed."""
        key = own_key(self.model)
        return next((a for a in self.attributes.values() if a.own_field is key), None)

    @cached_property
    def identity_fields(self) -> tuple[models.Field[Any, Any], ...]:
        """The columns whose values make a row the entity that it is (D-56)."""
        return tuple(filter(is_identity, self.model._meta.concrete_fields))

    @cached_property
    def identity_columns(self) -> tuple[str, ...]:
        """The names of ``identity_fields`` as instances and ``values_list`` have them."""
        return tuple(field.attname for field in self.identity_fields)

    @cached_property
    def identity_names(self) -> frozenset[str]:
        """The attributes that show one of those columns."""
        return frozenset(a.name for a in self.attributes.values() if a.is_identity)

    @cached_property
    def is_numbered(self) -> bool:
        """Whether the database numbers new entities."""
        return isinstance(own_key(self.model), models.AutoField)

    @cached_property
    def file_attributes(self) -> tuple[FileAttribute, ...]:
        """The images and BLOBs."""
        return tuple(a for a in self.attributes.values() if isinstance(a, FileAttribute))

    @cached_property
    def targets(self) -> frozenset[DataClass]:
        """The dataclasses that relations lead to."""
        return frozenset(a.target for a in self.attributes.values() if isinstance(a, Relation))

    @cached_property
    def default_order(self) -> tuple[Any, ...]:
        """Order of a collection that was not sorted: total, so that pages never overlap.

        Without what cannot sort the rows by themselves: a name that a manager adds, or many rows.
        """
        given = self.given_order
        unfit = [item for item, _ in unsorted(self.model, given)]
        return (*(item for item in given if not any(item is other for other in unfit)), "pk")

    @property
    def given_order(self) -> Sequence[Any]:
        """The order that the options ask for, or the model."""
        return (self.model._meta.ordering if self.ordering is None else self.ordering) or ()

    @cached_property
    def restricts_rows(self) -> bool:
        """Whether ``get_queryset`` may leave rows out, so that a related key must be looked up.

        A manager that may read something else than the rows as they are counts as one that does.
        """
        return type(self).get_queryset is not DataClass.get_queryset or not reads_plainly(self.model)

    @cached_property
    def view_depends_on_entity(self) -> bool:
        """Whether permission to read may depend on the single entity."""
        return type(self).has_view_permission is not DataClass.has_view_permission

    def attribute_name(self, source: str) -> str:
        """Wire name of the field or accessor ``source``."""
        given = self.names.get(source)
        return given if given is not None else NAMING.get(self.naming, str)(source)

    def exposes(self, source: str) -> bool:
        """Whether the field or accessor ``source`` is chosen. Asks no other dataclass."""
        if source in self.exclude or source not in members(self.model):
            return False
        if self.attribute_name(source) in RESERVED:
            return False
        if self.fields is not None:
            return source in self.fields
        return not is_secret(source) and source not in self.folded_columns

    def write_alias(self) -> str:
        """The database that entities are written to, as the routers say."""
        return router.db_for_write(self.model)

    # Keys (``requests.md`` 4).

    def with_key(self, rows: models.QuerySet[Any], key: Any) -> models.QuerySet[Any]:
        """Of ``rows`` the one of exactly this key (D-17).

        MariaDB's usual collations take texts for equal that differ in case, accents or final spaces.
        """
        rows = rows.filter(pk=key)
        if self.key_type.name == "string" and connections[rows.db].vendor == "mysql":
            stored = Func(F("pk"), template="CAST(%(expressions)s AS BINARY)", output_field=_BYTES)
            rows = rows.filter(Exact(stored, Value(str(key).encode(), _BYTES)))
        return rows

    def key_from_wire(self, value: Any) -> Any:
        """The Python value of a key from JSON or from an address.

        Raises ``ValueError`` if ``value`` cannot be a key of this dataclass.
        """
        if isinstance(value, (dict, list)) or value is None or value == "":
            raise ValueError
        key = self.key_type.from_wire(value)
        if self.key_type.name == "string":
            clean_text(str(key))
        return key

    def key_to_wire(self, key: Any) -> str:
        """The text of a key: ``__KEY`` is always a text, whatever its type."""
        return key_text(self.key_type, key)


Attribute: TypeAlias = AnyAttribute[DataClass]

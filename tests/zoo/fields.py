"""Fields as other people write them: the Python value is another object than the column holds."""

from __future__ import annotations

import codecs
import json
import secrets
import uuid
from enum import Enum

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class Wrapped:
    """Any object: neither JSON nor a number, a date or a text."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, Wrapped) and self.value == other.value

    def __hash__(self):
        return hash(self.value)

    def __str__(self):
        return f"wrapped {self.value}"


class WrappingMixin:
    """The column's value within an object."""

    def from_db_value(self, value, expression, connection):
        return None if value is None else Wrapped(value)

    def to_python(self, value):
        if value is None or isinstance(value, Wrapped):
            return value
        return Wrapped(super().to_python(value))

    def get_prep_value(self, value):
        return value.value if isinstance(value, Wrapped) else value

    def get_db_prep_value(self, value, connection, prepared=False):
        return self.plain.get_db_prep_value(self.get_prep_value(value), connection)

    def get_db_prep_save(self, value, connection):
        return self.plain.get_db_prep_save(self.get_prep_value(value), connection)

    def run_validators(self, value):
        super().run_validators(self.get_prep_value(value))

    @property
    def plain(self):
        """Django's own field of this kind."""
        *_, kwargs = self.deconstruct()
        return type(self).__mro__[2](**kwargs)


class StarsField(WrappingMixin, models.IntegerField):
    pass


class MoneyField(WrappingMixin, models.DecimalField):
    pass


class InstantField(WrappingMixin, models.DateTimeField):
    pass


class DayField(WrappingMixin, models.DateField):
    pass


class SpanField(WrappingMixin, models.DurationField):
    pass


class SwitchField(WrappingMixin, models.BooleanField):
    pass


class ShortUuidField(WrappingMixin, models.UUIDField):
    """SQLite and MariaDB give texts for a UUID before Django's own converter."""

    def from_db_value(self, value, expression, connection):
        return None if value is None else Wrapped(uuid.UUID(str(value)))


class BlocksField(models.JSONField):
    """What a CMS makes of a page: objects of its own, never JSON."""

    def from_db_value(self, value, expression, connection):
        return self.to_python(super().from_db_value(value, expression, connection))

    def to_python(self, value):
        return value if value is None or isinstance(value, Wrapped) else Wrapped(tuple(value))

    def get_prep_value(self, value):
        return list(value.value) if isinstance(value, Wrapped) else value

    def get_db_prep_value(self, value, connection, prepared=False):
        return super().get_db_prep_value(self.get_prep_value(value), connection, prepared)

    def validate(self, value, model_instance):
        super().validate(self.get_prep_value(value), model_instance)


class Mood(Enum):
    GLAD = "glad"
    SAD = "sad"


class MoodField(models.CharField):
    def from_db_value(self, value, expression, connection):
        return None if value is None else Mood(value)

    def to_python(self, value):
        return value if value is None or isinstance(value, Mood) else Mood(value)

    def get_prep_value(self, value):
        return value.value if isinstance(value, Mood) else value

    def run_validators(self, value):
        super().run_validators(self.get_prep_value(value))

    def value_to_string(self, obj):
        return self.value_from_object(obj).value


class SealedMixin:
    """Stores its text turned, and never the same way twice where ``salted``."""

    salted = False

    def from_db_value(self, value, expression, connection):
        if value is None:
            return None
        text = bytes(value).decode() if self.get_internal_type() == "BinaryField" else value
        return self.to_python(codecs.encode(text.rpartition("$")[2], "rot13"))

    def get_prep_value(self, value):
        if value is None:
            return None
        text = codecs.encode(str(value), "rot13")
        text = f"{secrets.token_hex(4)}${text}" if self.salted else f"sealed${text}"
        return text.encode() if self.get_internal_type() == "BinaryField" else text


class SealedField(SealedMixin, models.CharField):
    pass


class SaltedField(SealedMixin, models.TextField):
    salted = True


class SealedBytesMixin(SealedMixin):
    """The column holds bytes, the value is a date or a number."""

    def get_internal_type(self):
        return "BinaryField"

    def get_db_prep_value(self, value, connection, prepared=False):
        return self.get_prep_value(value)


class SealedDateField(SealedBytesMixin, models.DateField):
    pass


class SealedNumberField(SealedBytesMixin, models.IntegerField):
    @property
    def validators(self):
        return []  # no database tells the range of a number in bytes


class PackedField(models.BinaryField):
    """JSON, packed into bytes."""

    def from_db_value(self, value, expression, connection):
        return None if value is None else json.loads(bytes(value)[1:])

    def get_db_prep_value(self, value, connection, prepared=False):
        packed = None if value is None else b"#" + json.dumps(value).encode()
        return super().get_db_prep_value(packed, connection, prepared)


class PickyEncoder(DjangoJSONEncoder):
    def default(self, o):
        return {"set": sorted(o)} if isinstance(o, set) else super().default(o)


class PickyDecoder(json.JSONDecoder):
    """Gives sets, which JSON does not know."""

    def __init__(self, **kwargs):
        super().__init__(object_hook=self.revive, **kwargs)

    def revive(self, value):
        return set(value["set"]) if "set" in value else value


class LoudField(models.CharField):
    """Prepares what it stores, and reads what is stored."""

    def get_prep_value(self, value):
        return None if value is None else str(value).upper()

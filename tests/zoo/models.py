"""One model for every case that the sample site does not have."""

from __future__ import annotations

import datetime
import hashlib
import io
import uuid
from decimal import InvalidOperation

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.core.files.base import ContentFile
from django.core.validators import FileExtensionValidator, MaxValueValidator
from django.db import models
from django.db.models.fields.files import ImageFieldFile
from django.db.models.functions import Now, Upper
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import get_language
from PIL import Image

from fourd_rest.models import Stamped
from tests.zoo import fields


class Shade(str):
    """What ``ShadeField`` holds: not a plain text."""


class ShadeField(models.CharField):
    """A custom field on a text column."""

    def from_db_value(self, value, expression, connection):
        return None if value is None else Shade(value)

    def to_python(self, value):
        if value is None or isinstance(value, Shade):
            return value
        if value == "no shade":
            raise ValidationError("This is no shade.")
        return Shade(value)


class Everything(models.Model):
    """A field of every type."""

    small = models.SmallIntegerField(null=True, blank=True)
    integer = models.IntegerField(null=True, blank=True)
    big = models.BigIntegerField(null=True, blank=True)
    positive_small = models.PositiveSmallIntegerField(null=True, blank=True)
    positive = models.PositiveIntegerField(null=True, blank=True)
    positive_big = models.PositiveBigIntegerField(null=True, blank=True)
    boolean = models.BooleanField(null=True, blank=True)
    floating = models.FloatField(null=True, blank=True)
    decimal = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    char = models.CharField(max_length=20, blank=True)
    nullable_char = models.CharField(max_length=20, null=True, blank=True)  # noqa: DJ001
    text = models.TextField(blank=True)
    slug = models.SlugField(blank=True)
    email = models.EmailField(blank=True)
    url = models.URLField(blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    uuid = models.UUIDField(null=True, blank=True)
    date = models.DateField(null=True, blank=True)
    moment = models.DateTimeField(null=True, blank=True)
    time = models.TimeField(null=True, blank=True)
    duration = models.DurationField(null=True, blank=True)
    json = models.JSONField(null=True, blank=True)
    binary = models.BinaryField(null=True, blank=True)
    file = models.FileField(upload_to="zoo/files/", blank=True)
    image = models.ImageField(
        upload_to="zoo/images/", blank=True, width_field="image_width", height_field="image_height"
    )
    image_width = models.PositiveIntegerField(null=True, editable=False)
    image_height = models.PositiveIntegerField(null=True, editable=False)
    choice = models.CharField(max_length=1, blank=True, choices=[("a", "Ant"), ("b", "Bee")])
    shade = ShadeField(max_length=20, null=True, blank=True)
    auto_now = models.DateTimeField(auto_now=True)
    hidden = models.CharField(max_length=20, default="fixed", editable=False)
    loud = models.GeneratedField(
        expression=Upper("char"), output_field=models.CharField(max_length=20), db_persist=True
    )

    class Meta:
        verbose_name_plural = "everything"


class Country(models.Model):
    """A text key, chosen by the client; stamps in the side table."""

    code = models.CharField(max_length=10, primary_key=True)
    name = models.CharField(max_length=50)


class Planet(Stamped):
    """A text key and a stamp column."""

    code = models.CharField(max_length=10, primary_key=True)
    name = models.CharField(max_length=50)


class Parcel(models.Model):
    """A UUID key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    label = models.CharField(max_length=50, blank=True)
    country = models.ForeignKey(Country, models.PROTECT, null=True, blank=True, related_name="parcels")


class Keeper(models.Model):
    name = models.CharField(max_length=50, unique=True)
    badge = models.CharField(max_length=20, unique=True, null=True, blank=True)  # noqa: DJ001


class Place(models.Model):
    """The parent of a multi-table inheritance."""

    name = models.CharField(max_length=50)
    capacity = models.IntegerField(default=0, validators=[MaxValueValidator(1000)])


class Aviary(Place):
    height = models.IntegerField(default=0)


class Animal(models.Model):
    """Relations of every kind, constraints, and a clean method."""

    name = models.CharField(max_length=30)
    nick = models.CharField(max_length=30, blank=True)
    low = models.IntegerField(default=0)
    high = models.IntegerField(default=10)
    keepers = models.ManyToManyField(Keeper, related_name="animals", blank=True)
    home = models.ForeignKey(Place, models.CASCADE, null=True, blank=True, related_name="animals")
    doctor = models.ForeignKey(
        Keeper, models.SET_NULL, null=True, blank=True, to_field="badge", related_name="patients"
    )
    report = models.FileField(
        upload_to="zoo/reports/", blank=True, validators=[FileExtensionValidator(["pdf"])]
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(low__lte=models.F("high")), name="low_below_high"),
            models.UniqueConstraint(fields=["name", "nick"], name="one_name_and_nick"),
        ]

    def clean(self):
        if self.name == "Moloch":
            raise ValidationError({"name": "No Moloch in this zoo."})
        if self.name == "Cerberus":
            raise ValidationError("No dog with three heads.")


class Passport(models.Model):
    """A one-to-one relation, whose reverse is a to-one as well."""

    animal = models.OneToOneField(Animal, models.CASCADE, related_name="passport")
    number = models.CharField(max_length=20)


class Account(models.Model):
    """Fields that are never exposed unless named."""

    name = models.CharField(max_length=30)
    password = models.CharField(max_length=30, blank=True)
    api_key = models.CharField(max_length=30, blank=True)
    otp = models.CharField(max_length=30, blank=True)
    # The zoo has no migrations: its tables are made before those it refers to here.
    owner = models.ForeignKey("auth.User", models.CASCADE, null=True, blank=True, db_constraint=False)


class Singer(models.Model):
    """Texts that are compared in every way: by 4D's rule, from a column of their own, as in SQL."""

    name = models.CharField(max_length=50)
    name_folded = models.CharField(max_length=100, editable=False)
    motto = models.TextField(null=True, blank=True)  # noqa: DJ001
    motto_folded = models.TextField(null=True, blank=True, editable=False)  # noqa: DJ001
    code = models.CharField(max_length=20, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    teacher = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="pupils")


class Secretive(models.Model):
    """Rows that a default manager hides."""

    class Visible(models.Manager):
        def get_queryset(self):
            return super().get_queryset().filter(is_hidden=False)

    name = models.CharField(max_length=30)
    is_hidden = models.BooleanField(default=False)

    objects = Visible()
    everything = models.Manager()


class Finder(models.Model):
    secretive = models.ForeignKey(Secretive, models.CASCADE, null=True, blank=True)
    name = models.CharField(max_length=30)


class Broken(models.Model):
    """Its save method has a bug."""

    name = models.CharField(max_length=30)

    def save(self, *args, **kwargs):
        raise ZeroDivisionError("a bug of the site, with a secret in it")


class Loose(models.Model):
    """Defaults that are not what their columns give back."""

    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    weight = models.FloatField(default="1.5")
    count = models.IntegerField(default="7")
    since = models.DateField(default="2024-02-29")
    until = models.DateTimeField(default=datetime.date(2024, 2, 29))
    code = models.UUIDField(default="0f8fad5bd9cb469fa16570867728950e")
    open = models.BooleanField(default=1)
    label = models.CharField(max_length=20, default=5)


# What follows is registered by the tests that need it.


class Crew(models.Model):
    """A UUID key, and a many-to-many relation over a model of the site's own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=30)


class Sailor(models.Model):
    name = models.CharField(max_length=30)
    crews = models.ManyToManyField(Crew, through="Voyage", related_name="sailors")
    mates = models.ManyToManyField("self")


class Voyage(models.Model):
    """One sailor may go on several voyages with the same crew."""

    sailor = models.ForeignKey(Sailor, models.CASCADE)
    crew = models.ForeignKey(Crew, models.CASCADE)


class Tower(Place):
    """A child with a key of its own: what refers to its parent has the parent's key."""

    place = models.OneToOneField(Place, models.CASCADE, parent_link=True)
    code = models.CharField(max_length=10, primary_key=True)


class Remark(models.Model):
    """Belongs to anything, by a relation without a foreign key."""

    text = models.CharField(max_length=30)
    content_type = models.ForeignKey(
        "contenttypes.ContentType", models.CASCADE, db_constraint=False, related_name="+"
    )
    object_id = models.IntegerField()
    subject = GenericForeignKey()


class Monument(models.Model):
    name = models.CharField(max_length=30)
    remarks = GenericRelation(Remark)
    notes = GenericRelation(Remark, related_query_name="monument")
    quarter = models.IntegerField(default=0)
    # The rows of one quarter: no column of its own, and none that is unique.
    neighbours = models.ForeignObject(
        "self",
        models.DO_NOTHING,
        from_fields=["quarter"],
        to_fields=["quarter"],
        related_name="neighbouring",
        null=True,
    )


class Obelisk(Monument):
    """Inherits the generic relation."""

    height = models.IntegerField(default=0)


class Stranger(models.Model):
    """Fields of other people's making."""

    name = models.CharField(max_length=30)
    stars = fields.StarsField(null=True, blank=True)
    price = fields.MoneyField(max_digits=8, decimal_places=2, null=True, blank=True)
    instant = fields.InstantField(null=True, blank=True)
    day = fields.DayField(null=True, blank=True)
    span = fields.SpanField(null=True, blank=True)
    switch = fields.SwitchField(null=True, blank=True)
    short = fields.ShortUuidField(null=True, blank=True)
    blocks = fields.BlocksField(null=True, blank=True)
    picky = models.JSONField(
        null=True, blank=True, encoder=fields.PickyEncoder, decoder=fields.PickyDecoder
    )
    mood = fields.MoodField(max_length=10, null=True, blank=True)  # noqa: DJ001
    sealed = fields.SealedField(max_length=80, null=True, blank=True)  # noqa: DJ001
    salted = fields.SaltedField(null=True, blank=True)  # noqa: DJ001
    sealed_day = fields.SealedDateField(null=True, blank=True)
    packed = fields.PackedField(null=True, blank=True)
    sealed_number = fields.SealedNumberField(null=True, blank=True)
    loud = fields.LoudField(max_length=30, null=True, blank=True)  # noqa: DJ001
    shade = models.GeneratedField(
        expression=Upper("name"), output_field=ShadeField(max_length=30), db_persist=True
    )
    friend = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="friends")


class Guest(models.Model):
    """A key that is an object in Python."""

    id = fields.StarsField(primary_key=True)
    host = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="guests")
    name = models.CharField(max_length=30)


class SpokenQuerySet(models.QuerySet):
    """Reads the title of the active language under the name of the title."""

    def spoken(self, name):
        sign, bare = ("-", name[1:]) if name.startswith("-") else ("", name)
        return f"{sign}title_{get_language()}" if bare == "title" else name

    def values_list(self, *fields, **options):
        return super().values_list(*map(self.spoken, fields), **options)

    def order_by(self, *names):
        return super().order_by(*(self.spoken(n) if isinstance(n, str) else n for n in names))


class Notice(models.Model):
    title = models.CharField(max_length=30)
    title_en = models.CharField(max_length=30)
    title_de = models.CharField(max_length=30)
    board = models.ForeignKey("Board", models.CASCADE, null=True, related_name="notices")

    objects = SpokenQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        ordering = ["title"]

    def __getattribute__(self, name):
        return super().__getattribute__(f"title_{get_language()}" if name == "title" else name)


class Board(models.Model):
    name = models.CharField(max_length=30)


class PrefixedField(models.CharField):
    """What it stores is longer than what it validates."""

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return None if value is None else f"zoo:{value}"

    def from_db_value(self, value, expression, connection):
        return None if value is None else value.rstrip().removeprefix("zoo:")


class FixedField(PrefixedField):
    """A column that is padded to its length."""

    def db_type(self, connection):
        return f"char({self.max_length})"


class ShoutedField(models.CharField):
    """SQL around the value, as fields have that the database encrypts."""

    def get_placeholder(self, value, compiler, connection):
        return "UPPER(%s)"

    def get_placeholder_sql(self, value, compiler, connection):
        """The same from Django 6.1 on."""
        return "UPPER(%s)", [value]


class CountedField(models.CharField):
    """A number where the column is a text: the database takes it for one."""

    def get_prep_value(self, value):
        return int(value) if value and value.isdigit() else value


class Label(models.Model):
    """Fields that store something else than they show."""

    prefixed = PrefixedField(max_length=8, blank=True)
    fixed = FixedField(max_length=8, blank=True)
    shouted = ShoutedField(max_length=8, blank=True)
    counted = CountedField(max_length=8, blank=True)
    plain = models.CharField(max_length=8, blank=True)


class Tag(models.Model):
    """Its ``clean`` changes fields beside those that were posted, one of them in place."""

    name = models.CharField(max_length=20)
    slug = models.CharField(max_length=20, blank=True)
    extra = models.JSONField(default=dict)

    def clean(self):
        self.slug = self.name.lower()
        self.extra["length"] = len(self.name)


class Coupon(models.Model):
    """The database makes the key; stamps in the side table."""

    code = models.CharField(max_length=20, primary_key=True, db_default="made")
    name = models.CharField(max_length=30, blank=True)


class Voucher(Stamped):
    """The database makes the key; a stamp column."""

    code = models.CharField(max_length=20, primary_key=True, db_default="made")
    name = models.CharField(max_length=30, blank=True)


class Exhibit(models.Model):
    """What is said of it goes along by a generic relation."""

    name = models.CharField(max_length=30)
    remarks = GenericRelation("Caption")


class Caption(models.Model):
    text = models.CharField(max_length=30)
    content_type = models.ForeignKey(ContentType, models.CASCADE, db_constraint=False)
    object_id = models.IntegerField()
    about = GenericForeignKey()


class Shop(models.Model):
    """Its sales may be deleted with it or not, by every rule there is."""

    name = models.CharField(max_length=30)


class Sale(models.Model):
    taken = models.ForeignKey(Shop, models.CASCADE, null=True, related_name="+")
    emptied = models.ForeignKey(Shop, models.SET_NULL, null=True, related_name="+")
    preset = models.ForeignKey(Shop, models.SET_DEFAULT, null=True, default=None, related_name="+")
    set = models.ForeignKey(Shop, models.SET(None), null=True, related_name="+")
    ignored = models.ForeignKey(
        Shop, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )


class Hidden(models.Model):
    """Its rows are hidden instead of being deleted, and their files stay needed."""

    class Shown(models.Manager):
        def get_queryset(self):
            return super().get_queryset().filter(is_gone=False)

    name = models.CharField(max_length=30)
    is_gone = models.BooleanField(default=False)
    file = models.FileField(upload_to="zoo/hidden/", blank=True)

    objects = Shown()

    def delete(self, *args, **kwargs):
        self.is_gone = True
        self.save(update_fields=["is_gone"])


class Scroll(models.Model):
    """The parent of ``Letter``, with a file of its own."""

    name = models.CharField(max_length=30)
    text = models.FileField(upload_to="zoo/scrolls/", blank=True)


class Letter(Scroll):
    seal = models.FileField(upload_to="zoo/seals/", blank=True)


class Licence(models.Model):
    """Its key is a relation."""

    owner = models.OneToOneField(Keeper, models.CASCADE, primary_key=True, related_name="licence")
    note = models.CharField(max_length=30, blank=True)

    @property
    def number(self) -> int:
        return self.owner_id

    @number.setter
    def number(self, value: int) -> None:
        self.owner_id = value


class Medal(Stamped):
    """The same with a stamp of its own, over another field than the related key."""

    owner = models.OneToOneField(
        Keeper, models.CASCADE, primary_key=True, to_field="badge", related_name="medal"
    )
    note = models.CharField(max_length=30, blank=True)


class Renewal(models.Model):
    """A relation that is the key leads to one whose key is a relation."""

    licence = models.OneToOneField(Licence, models.CASCADE, primary_key=True, related_name="renewal")
    note = models.CharField(max_length=30, blank=True)


class MasterLicence(Licence):
    """A child of a parent whose key is a relation."""

    rank = models.IntegerField(default=0)


class Defaulted(models.Model):
    """Defaults of the database and of Python, for columns that may be null and that may not."""

    code = models.IntegerField(null=True, blank=True, db_default=7)
    needed = models.IntegerField(db_default=7)
    text = models.CharField(max_length=10, blank=True, db_default="seven")
    nullable_text = models.CharField(max_length=10, null=True, blank=True, db_default="x")  # noqa: DJ001
    since = models.DateTimeField(null=True, blank=True, db_default=Now())
    made = models.DateTimeField(db_default=Now(), editable=False)
    low = models.IntegerField(null=True, blank=True, default=3)
    country = models.ForeignKey(
        Country, models.DO_NOTHING, null=True, blank=True, db_default="FR", related_name="+"
    )
    other = models.ForeignKey(
        Country, models.DO_NOTHING, null=True, blank=True, default="FR", related_name="+"
    )
    file = models.FileField(upload_to="zoo/files/", blank=True, default="zoo/files/default.txt")

    @property
    def limit(self) -> int | None:
        return self.code

    @limit.setter
    def limit(self, value: int | None) -> None:
        self.code = value


class InvalidMove(Exception):  # noqa: N818  (as packages call it)
    """What a package raises to refuse something."""


def _grumble(stage: str, value: object) -> None:
    """Raise what a text asks for: ``"clean ValueError"``."""
    asked, _, name = str(value).partition(" ")
    if asked == stage:
        raise GRUMBLES.get(name, ValidationError)("a secret of the site")


GRUMBLES = {
    "ValueError": ValueError,
    "TypeError": TypeError,
    "AttributeError": AttributeError,
    "InvalidOperation": InvalidOperation,
    "OverflowError": OverflowError,
    "KeyError": KeyError,
    "ZeroDivisionError": ZeroDivisionError,
    "InvalidMove": InvalidMove,
    "ObjectDoesNotExist": ObjectDoesNotExist,
}


class Odd:
    """Not a text, though it is stored as one."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return str(self.text)


class GrumpyAttribute(DeferredAttribute):
    def __set__(self, instance, value):
        _grumble("set", value)
        instance.__dict__[self.field.attname] = value


class GrumpyField(models.CharField):
    """It cannot take some values, and says so in its own way, wherever it meets them."""

    descriptor_class = GrumpyAttribute

    def to_python(self, value):
        _grumble("to_python", value)
        return Odd(value) if str(value).startswith("show") else value

    def value_to_string(self, obj):
        _grumble("show", getattr(obj, self.attname))
        return super().value_to_string(obj)

    def validate(self, value, model_instance):
        _grumble("clean", value)
        super().validate(value, model_instance)

    def get_prep_value(self, value):
        _grumble("prepare", value)
        return super().get_prep_value(value)

    def get_db_prep_save(self, value, connection):
        _grumble("store", value)
        if value == "object":
            return object()
        return 2**70 if value == "huge" else super().get_db_prep_save(value, connection)


class LateGrumpyField(GrumpyField):
    def pre_save(self, model_instance, add):
        value = super().pre_save(model_instance, add)
        _grumble("pre_save", value)
        return value


def _grumpy_validator(value):
    _grumble("validate", value)


class Grumpy(models.Model):
    """Its fields, setters and methods raise what they like."""

    name = LateGrumpyField(max_length=40, blank=True, validators=[_grumpy_validator])
    note = models.CharField(max_length=40, blank=True)
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")

    @property
    def mood(self) -> str:
        return self.note

    @mood.setter
    def mood(self, value: str) -> None:
        _grumble("setter", value)
        self.note = value

    def clean(self):
        _grumble("model", self.note)

    def save(self, *args, **kwargs):
        _grumble("save", self.note)
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        _grumble("delete", self.note)
        return super().delete(*args, **kwargs)


class Moody(models.Model):
    """Grumpy in its field alone: many are saved at once."""

    name = GrumpyField(max_length=40, blank=True, validators=[_grumpy_validator])


class ShrunkFile(ImageFieldFile):
    """Makes what it saves a small JPEG, and a tiny one beside it."""

    def save(self, name, content, save=True):
        with Image.open(content) as image:
            if image.width == 13:
                raise ZeroDivisionError("a bug of the field")
            if image.width == 14:
                raise ValidationError("Fourteen is too wide.")
            small = image.convert("RGB").resize((4, 3))
        stem = name.rpartition(".")[0]
        super().save(f"{stem}.jpg", ContentFile(self._packed(small)), save)
        tiny = self.name.replace(".jpg", ".tiny.jpg")
        self.storage.save(tiny, ContentFile(self._packed(small.resize((1, 1)))))

    def delete(self, save=True):
        self.storage.delete(self.name.replace(".jpg", ".tiny.jpg"))
        super().delete(save)

    @staticmethod
    def _packed(image):
        out = io.BytesIO()
        image.save(out, "JPEG")
        return out.getvalue()


class ShrunkField(models.ImageField):
    attr_class = ShrunkFile


class StampedField(models.FileField):
    """Marks what it saves, and tells another field how long it was."""

    def pre_save(self, model_instance, add):
        file = getattr(model_instance, self.attname)
        if file and not file._committed:
            content = file.read()
            model_instance.length = len(content)
            file.save(file.name, ContentFile(b"seen " + content), save=False)
        return super().pre_save(model_instance, add)


class ForeignFile:
    """No file of Django's."""

    def __init__(self, instance, field, name):
        self.name = name

    def __bool__(self):
        return bool(self.name)

    def __str__(self):
        return self.name or ""

    def save(self, name, content, save=True):
        raise NotImplementedError


class ForeignField(models.FileField):
    """Its code cannot be made to run: what is assigned stays what it is."""

    attr_class = ForeignFile
    descriptor_class = models.query_utils.DeferredAttribute

    def pre_save(self, model_instance, add):
        return getattr(model_instance, self.attname)


def by_content(instance, filename):
    """Under the digest of the file."""
    with instance.plain.open() as file:
        return f"posters/{hashlib.md5(file.read(), usedforsecurity=False).hexdigest()}"


class Poster(models.Model):
    """File fields that process what they save."""

    title = models.CharField(max_length=30, blank=True)
    shrunk = ShrunkField(upload_to="shrunk/", blank=True)
    stamped = StampedField(upload_to="stamped/", blank=True)
    length = models.IntegerField(default=0)
    plain = models.FileField(upload_to=by_content, blank=True)
    foreign = ForeignField(upload_to="foreign/", blank=True)
    sequel = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)


class Locker(models.Model):
    """Its key is a relation."""

    keeper = models.OneToOneField(Keeper, models.CASCADE, primary_key=True)
    number = models.IntegerField(default=0)

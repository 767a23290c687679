"""One model for every case that the sample site does not have."""

from __future__ import annotations

import uuid

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator, MaxValueValidator
from django.db import models
from django.db.models.functions import Upper

from fourd_rest.models import Stamped


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
    remarks = GenericRelation("Remark")


class Remark(models.Model):
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

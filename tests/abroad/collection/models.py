"""Models over the fields, managers and base classes of other packages."""

from __future__ import annotations

from django.db import models
from django_countries.fields import CountryField
from django_resized import ResizedImageField
from djmoney.models.fields import MoneyField
from easy_thumbnails.fields import ThumbnailerImageField
from encrypted_fields.fields import (
    EncryptedCharField,
    EncryptedDateField,
    EncryptedEmailField,
    EncryptedIntegerField,
    EncryptedTextField,
)
from imagekit.models import ImageSpecField, ProcessedImageField
from imagekit.processors import ResizeToFit
from model_utils import Choices
from model_utils.fields import MonitorField, SplitField, StatusField
from model_utils.managers import InheritanceManager, QueryManager
from model_utils.models import SoftDeletableModel, TimeStampedModel
from mptt.fields import TreeForeignKey, TreeManyToManyField
from mptt.models import MPTTModel
from ordered_model.models import OrderedModel
from parler.models import TranslatableModel, TranslatedFields
from phonenumber_field.modelfields import PhoneNumberField
from polymorphic.models import PolymorphicModel
from safedelete.config import SOFT_DELETE_CASCADE
from safedelete.models import SafeDeleteModel
from simple_history.models import HistoricalRecords
from sorl.thumbnail import ImageField as SorlImageField
from taggit.managers import TaggableManager
from wagtail.blocks import CharBlock, RichTextBlock, StructBlock
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page


class Museum(models.Model):
    """Two languages, by django-modeltranslation: its manager rewrites the names."""

    title = models.CharField(max_length=60)
    motto = models.TextField(blank=True)
    country = CountryField(blank=True)
    countries = CountryField(multiple=True, blank=True)
    phone = PhoneNumberField(blank=True)
    budget = MoneyField(max_digits=12, decimal_places=2, default_currency="EUR", null=True, blank=True)


class Wing(MPTTModel):
    """A tree."""

    name = models.CharField(max_length=50)
    parent = TreeForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    museum = models.ForeignKey(Museum, models.CASCADE, null=True, blank=True, related_name="wings")
    neighbours = TreeManyToManyField("self", blank=True)


class Painting(models.Model):
    """Tags, a history, files that are worked on when they are saved."""

    title = models.CharField(max_length=60)
    wing = models.ForeignKey(Wing, models.SET_NULL, null=True, blank=True, related_name="paintings")
    tags = TaggableManager(blank=True)
    photo = ProcessedImageField(
        upload_to="paintings", processors=[ResizeToFit(32, 32)], format="JPEG", blank=True
    )
    thumbnail = ImageSpecField(source="photo", processors=[ResizeToFit(8, 8)], format="PNG")
    resized = ResizedImageField(size=[24, 24], upload_to="resized", blank=True)
    thumbnailed = ThumbnailerImageField(resize_source={"size": (20, 20)}, upload_to="thumbs", blank=True)
    cached = SorlImageField(upload_to="sorl", blank=True)
    history = HistoricalRecords()


class Guard(models.Model):
    """What is stored is not what is shown."""

    name = EncryptedCharField(max_length=100)
    notes = EncryptedTextField(blank=True, null=True)
    mail = EncryptedEmailField(blank=True, null=True)
    badge = EncryptedIntegerField(null=True, blank=True)
    hired = EncryptedDateField(null=True, blank=True)
    shift = models.CharField(max_length=20, blank=True)


class Exhibit(PolymorphicModel):
    """Rows of several models under one manager."""

    name = models.CharField(max_length=50)
    museum = models.ForeignKey(Museum, models.CASCADE, null=True, blank=True, related_name="exhibits")


class Statue(Exhibit):
    weight = models.IntegerField(default=1)


class Film(Exhibit):
    minutes = models.IntegerField(default=90)


class Leaflet(TranslatableModel):
    """Texts in a table of translations, by django-parler."""

    number = models.IntegerField(default=1)
    translations = TranslatedFields(title=models.CharField(max_length=50))


class Loan(SafeDeleteModel):
    """Deleted rows stay."""

    _safedelete_policy = SOFT_DELETE_CASCADE
    name = models.CharField(max_length=50)
    document = models.FileField(upload_to="loans", blank=True)


class Clause(SafeDeleteModel):
    _safedelete_policy = SOFT_DELETE_CASCADE
    loan = models.ForeignKey(Loan, models.CASCADE, related_name="clauses")
    text = models.CharField(max_length=50)


class Ticket(TimeStampedModel, SoftDeletableModel):
    """Status, times that follow, soft deletion by django-model-utils."""

    STATUS = Choices("draft", "sold")
    status = StatusField()
    sold_at = MonitorField(monitor="status", when=["sold"], null=True, default=None)
    text = SplitField(blank=True)

    objects = models.Manager()
    sold = QueryManager(status="sold")


class Tour(models.Model):
    name = models.CharField(max_length=50)
    objects = InheritanceManager()


class GuidedTour(Tour):
    guide = models.CharField(max_length=50, blank=True)


class Stop(OrderedModel):
    """Keeps its place among its neighbours when it is saved."""

    tour = models.ForeignKey(Tour, models.CASCADE, related_name="stops")
    name = models.CharField(max_length=50)
    order_with_respect_to = "tour"


class Story(Page):
    """A page of the content management system."""

    intro = RichTextField(blank=True)
    body = StreamField(
        [
            ("heading", CharBlock()),
            ("text", RichTextBlock()),
            ("quote", StructBlock([("text", CharBlock()), ("by", CharBlock(required=False))])),
        ],
        blank=True,
    )

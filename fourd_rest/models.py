"""The tables of this app: uploads, their copies, stamps of models without a column, entity sets."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .dataclass.options import KEY_LENGTH

MODEL_LABEL_LENGTH = 201  # app label and model name are at most 100 characters each


class Stamped(models.Model):
    """Abstract base that keeps stamp and time of the last save in the entity's own row.

    The fast way: reading needs no second table. A dataclass of such a model uses both columns without
    being told.
    """

    # Where a dataclass of a model looks for its columns if its options name none.
    fourd_stamp_columns: ClassVar = ("stamp", "modified")

    stamp = models.PositiveIntegerField(_("stamp"), default=1, editable=False)
    modified = models.DateTimeField(_("modified"), default=timezone.now, editable=False)

    class Meta:
        abstract = True


class PrimaryManager(models.Manager[Any]):
    """Reads from the database that is written: a replica may lack what was just stored."""

    def get_queryset(self) -> models.QuerySet[Any]:
        """All rows, on the database that is written unless the caller names one."""
        rows = super().get_queryset()
        return rows if self._db else rows.using(router.db_for_write(self.model))


class EntityStamp(models.Model):
    """Stamp of one entity whose model has no stamp column (D-32).

    ``dataclass`` is the label of the topmost concrete model, so that a page and its subclass rows share
    one stamp. The row of a deleted entity stays for ``STAMP_RETENTION`` seconds: a key that is used
    again must not accept a stamp of its former life.
    """

    dataclass = models.CharField(_("model"), max_length=MODEL_LABEL_LENGTH)
    key = models.CharField(_("key"), max_length=KEY_LENGTH)
    stamp = models.PositiveIntegerField(_("stamp"), default=1)
    modified = models.DateTimeField(_("modified"), null=True)
    deleted = models.DateTimeField(_("deleted"), null=True)

    class Meta:
        verbose_name = _("entity stamp")
        verbose_name_plural = _("entity stamps")
        constraints = [
            models.UniqueConstraint(fields=["dataclass", "key"], name="fourd_rest_one_stamp"),
        ]
        indexes = [
            models.Index(fields=["deleted"], name="fourd_rest_deleted_stamps"),
        ]

    def __str__(self) -> str:
        return f"{self.dataclass} {self.key}: {self.stamp}"


class UploadedBlob(models.Model):
    """A file received by ``$upload`` (``requests.md`` 6.5, D-14).

    Only ``READY`` blobs that have not expired are ever resolved. The row and its thumbnail outlive the
    file for ``UPLOAD_RETENTION`` seconds, so that an administrator can see what was there.
    """

    class State(models.TextChoices):
        """``EXPIRED`` and ``BROKEN`` are final; only their files and rows are still to be removed."""

        RECEIVING = "receiving", _("receiving")
        READY = "ready", _("ready")
        EXPIRED = "expired", _("expired")
        BROKEN = "broken", _("broken")

    class Kind(models.TextChoices):
        """A verified picture, or any other file."""

        PICTURE = "picture", _("picture")
        BINARY = "binary", _("binary")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.RECEIVING, db_index=True
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.BINARY)
    name = models.CharField(_("name in the storage"), max_length=255)
    file_name = models.CharField(_("client's file name"), max_length=255, blank=True)
    declared_type = models.CharField(_("declared type"), max_length=100, blank=True)
    detected_type = models.CharField(_("detected type"), max_length=100, blank=True)
    size = models.BigIntegerField(_("size"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    width = models.PositiveIntegerField(_("width"), null=True)
    height = models.PositiveIntegerField(_("height"), null=True)
    thumbnail = models.BinaryField(_("thumbnail"), null=True)
    # Why it is no picture that is accepted, once that was asked.
    refusal = models.CharField(_("no picture because"), max_length=255, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    address = models.GenericIPAddressField(_("client address"), null=True)
    timeout = models.PositiveIntegerField(_("lifetime in seconds"))
    created = models.DateTimeField(_("created"), default=timezone.now)
    progressed = models.DateTimeField(_("last progress"), default=timezone.now)
    ready = models.DateTimeField(_("ready"), null=True)
    expires = models.DateTimeField(_("expires"), null=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("uploaded file")
        verbose_name_plural = _("uploaded files")
        ordering: ClassVar = ["-created"]
        indexes = [
            models.Index(fields=["state", "expires"], name="fourd_rest_blob_expiry"),
            models.Index(fields=["-created"], name="fourd_rest_blob_newest"),
        ]

    def __str__(self) -> str:
        return self.wire_id

    @property
    def wire_id(self) -> str:
        """The ID as clients know it: 32 upper-case hexadecimal digits."""
        return self.id.hex.upper()

    def is_usable(self, now: datetime) -> bool:
        """Whether the file may be attached or served at ``now``."""
        return self.state == self.State.READY and self.expires is not None and now < self.expires


class ConvertedPicture(models.Model):
    """A picture in another format or size than its entity's file has (``requests.md`` 6.2).

    ``slot`` stands for the source's exact bytes and for what is made of them; at most one row has it.
    The row is there before its file and leads the sweep to it. Only ``READY`` files are served.
    ``touched`` is when the row came into its state, for a ready one about when it was last served.
    """

    class State(models.TextChoices):
        """``FAILED`` remembers that the source cannot be converted; ``ENDED`` is to be removed."""

        MAKING = "making", _("being made")
        READY = "ready", _("ready")
        FAILED = "failed", _("cannot be made")
        ENDED = "ended", _("to be removed")

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.MAKING)
    slot = models.CharField(_("slot"), max_length=64, null=True, unique=True)  # noqa: DJ001
    # ``source_hash`` of the three columns after it, to find what was made of one file.
    source = models.CharField(_("source"), max_length=64, db_index=True)
    model = models.CharField(_("model"), max_length=MODEL_LABEL_LENGTH)
    field = models.CharField(_("field"), max_length=255)
    source_name = models.TextField(_("source's name in its storage"))
    format = models.CharField(_("format"), max_length=10)
    box = models.CharField(_("size asked for"), max_length=20, blank=True)
    name = models.CharField(_("name in the storage"), max_length=255, blank=True)
    size = models.BigIntegerField(_("size"), default=0)
    touched = models.DateTimeField(_("last change or use"), default=timezone.now)

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("converted picture")
        verbose_name_plural = _("converted pictures")
        indexes = [
            models.Index(fields=["state", "touched"], name="fourd_rest_conversions"),
        ]

    def __str__(self) -> str:
        return f"{self.source_name} {self.format} {self.box}".rstrip()


class BlobAttachment(models.Model):
    """A file given to an entity: first an intent, then the record of where an upload went.

    The intent is committed before the copy is made and becomes ``ATTACHED`` in the transaction that
    saves the entity. A crash leaves an intent; the sweep abandons it and removes the copy. Rows live on
    the entity's own database, so that both commit as one.
    """

    class State(models.TextChoices):
        """``ABANDONED``: the entity was never saved; the sweep removes the copy and the row."""

        INTENT = "intent", _("intent")
        ATTACHED = "attached", _("attached")
        ABANDONED = "abandoned", _("abandoned")

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.INTENT)
    blob_id = models.UUIDField(_("uploaded file"), db_index=True)
    model = models.CharField(_("model"), max_length=MODEL_LABEL_LENGTH)
    field = models.CharField(_("field"), max_length=255)
    key = models.CharField(_("key"), max_length=KEY_LENGTH, blank=True)
    name = models.TextField(_("name in the storage"), blank=True)
    progressed = models.DateTimeField(_("last progress"), default=timezone.now)
    attached = models.DateTimeField(_("attached"), null=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        indexes = [
            models.Index(fields=["state", "progressed"], name="fourd_rest_intents"),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.key} {self.field}"


class EntitySet(models.Model):
    """An entity selection kept under an ID: keys in their order (``requests.md`` 6.4, D-20).

    ``id`` is the ID as clients know it: 32 upper-case hexadecimal digits. ``model`` and ``dataclass``,
    the wire name, tell whose keys it holds; a dataclass under a new name does not find the sets of the
    old one. Without an owner, a guest made it, from ``address``. ``expires`` is ``timeout`` seconds and
    a little more after ``refreshed``, about the last use. Rows live on the entities' own database, where
    the owner's may not be; sets of a deleted user are nobody's and expire.
    """

    id = models.CharField(_("ID"), max_length=32, primary_key=True)
    model = models.CharField(_("model"), max_length=MODEL_LABEL_LENGTH)
    dataclass = models.CharField(_("dataclass"), max_length=255)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("owner"),
    )
    address = models.GenericIPAddressField(_("client address"), null=True)
    size = models.PositiveIntegerField(_("size"))
    is_sorted = models.BooleanField(_("sorted"), default=False)
    timeout = models.PositiveIntegerField(_("lifetime in seconds"))
    created = models.DateTimeField(_("created"), default=timezone.now)
    refreshed = models.DateTimeField(_("last use"))
    expires = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("entity set")
        verbose_name_plural = _("entity sets")
        indexes = [
            models.Index(fields=["owner", "address", "expires"], name="fourd_rest_sets_of_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.dataclass} {self.id}"


class EntitySetChunk(models.Model):
    """A stretch of an entity set.

    ``members`` is a JSON array of at most 1,000 keys: numbers, texts, UUIDs as 32 lower-case digits. All
    chunks but the last are full, so that a position tells the chunk. Text rather than JSON of the
    database: it comes back as it went in, and no database parses it to store it.
    """

    entity_set = models.ForeignKey(
        EntitySet,
        on_delete=models.CASCADE,
        related_name="chunks",
        db_index=False,  # the constraint below has one
        verbose_name=_("entity set"),
    )
    number = models.PositiveIntegerField(_("number"))
    members = models.TextField(_("keys"))

    class Meta:
        verbose_name = _("keys of an entity set")
        verbose_name_plural = _("keys of entity sets")
        constraints = [
            models.UniqueConstraint(fields=["entity_set", "number"], name="fourd_rest_one_chunk"),
        ]

    def __str__(self) -> str:
        return f"{self.entity_set_id} {self.number}"

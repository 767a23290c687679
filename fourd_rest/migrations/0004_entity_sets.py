"""Entity sets and their keys."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates both tables."""

    dependencies = [
        ("fourd_rest", "0003_text_folding"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EntitySet",
            fields=[
                (
                    "id",
                    models.CharField(
                        max_length=32, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model", models.CharField(max_length=201, verbose_name="model")),
                ("dataclass", models.CharField(max_length=255, verbose_name="dataclass")),
                ("address", models.GenericIPAddressField(null=True, verbose_name="client address")),
                ("size", models.PositiveIntegerField(verbose_name="size")),
                ("is_sorted", models.BooleanField(default=False, verbose_name="sorted")),
                ("timeout", models.PositiveIntegerField(verbose_name="lifetime in seconds")),
                (
                    "created",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created"),
                ),
                ("refreshed", models.DateTimeField(verbose_name="last use")),
                ("expires", models.DateTimeField(db_index=True, verbose_name="expires")),
                (
                    "owner",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "entity set",
                "verbose_name_plural": "entity sets",
            },
        ),
        migrations.CreateModel(
            name="EntitySetChunk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("members", models.TextField(verbose_name="keys")),
                (
                    "entity_set",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chunks",
                        to="fourd_rest.entityset",
                        verbose_name="entity set",
                    ),
                ),
            ],
            options={
                "verbose_name": "keys of an entity set",
                "verbose_name_plural": "keys of entity sets",
            },
        ),
        migrations.AddIndex(
            model_name="entityset",
            index=models.Index(fields=["owner", "address", "expires"], name="fourd_rest_sets_of_owner"),
        ),
        migrations.AddConstraint(
            model_name="entitysetchunk",
            constraint=models.UniqueConstraint(
                fields=("entity_set", "number"), name="fourd_rest_one_chunk"
            ),
        ),
    ]

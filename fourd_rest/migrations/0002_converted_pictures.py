"""Pictures in other formats and sizes."""

from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates their table."""

    dependencies = [
        ("fourd_rest", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConvertedPicture",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("making", "being made"),
                            ("ready", "ready"),
                            ("failed", "cannot be made"),
                            ("ended", "to be removed"),
                        ],
                        default="making",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("slot", models.CharField(max_length=64, null=True, unique=True, verbose_name="slot")),
                ("source", models.CharField(db_index=True, max_length=64, verbose_name="source")),
                ("model", models.CharField(max_length=201, verbose_name="model")),
                ("field", models.CharField(max_length=255, verbose_name="field")),
                ("source_name", models.TextField(verbose_name="source's name in its storage")),
                ("format", models.CharField(max_length=10, verbose_name="format")),
                ("box", models.CharField(blank=True, max_length=20, verbose_name="size asked for")),
                (
                    "name",
                    models.CharField(blank=True, max_length=255, verbose_name="name in the storage"),
                ),
                ("size", models.BigIntegerField(default=0, verbose_name="size")),
                (
                    "touched",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="last change or use"
                    ),
                ),
            ],
            options={
                "verbose_name": "converted picture",
                "verbose_name_plural": "converted pictures",
                "indexes": [models.Index(fields=["state", "touched"], name="fourd_rest_conversions")],
            },
        ),
    ]

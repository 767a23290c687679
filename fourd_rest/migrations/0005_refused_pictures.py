"""Why an upload is no picture."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the column."""

    dependencies = [
        ("fourd_rest", "0004_entity_sets"),
    ]

    operations = [
        migrations.AddField(
            model_name="uploadedblob",
            name="refusal",
            field=models.CharField(blank=True, max_length=255, verbose_name="no picture because"),
        ),
    ]

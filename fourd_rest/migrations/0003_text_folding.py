"""The SQL function by which PostgreSQL compares texts."""

from __future__ import annotations

from django.db import migrations

from fourd_rest.sql.text_folding import FUNCTION

# ``fold`` of ``fourd_rest.sql.text_folding`` in SQL. Indexes rest on it: never change it, make another.
# The body is parsed here and now, so that no search_path matters to it later. It is not STRICT, or
# PostgreSQL would call it for every row instead of making it part of the query, which takes 9 times as
# long for ASCII. I and Σ have a lower case of their own in Turkish and at the end of words.
CREATE = f"""
CREATE OR REPLACE FUNCTION {FUNCTION}(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN octet_length($1) = length($1) THEN lower($1 COLLATE "C") COLLATE "default"
  ELSE lower(
    translate(
      regexp_replace(normalize($1 COLLATE "C", NFKD), '[\u0300-\u036f]+', '', 'g'), 'IΣ', 'iσ'
    ) COLLATE "default"
  ) COLLATE "default"
END
"""


def create(apps, schema_editor):
    """Create the function on a PostgreSQL database in UTF8; nothing elsewhere."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT getdatabaseencoding()")
        # No other encoding can be normalized; a check tells whoever needs it.
        if cursor.fetchone() == ("UTF8",):
            cursor.execute(CREATE)


def drop(apps, schema_editor):
    """Drop the function."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {FUNCTION}(text)")


class Migration(migrations.Migration):
    """Creates or drops the function."""

    dependencies = [
        ("fourd_rest", "0002_converted_pictures"),
    ]

    operations = [migrations.RunPython(create, drop)]

"""The database, the files and the user that a run measures with. Needs Django set up."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Permission, User
from django.db import connection

from fourd_rest.models import EntityStamp, UploadedBlob
from testproject.hr import sample
from testproject.hr.models import Employee, Invoice


@contextmanager
def sample_site():
    """A database of its own with the sample data, gone at the end."""
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        sample.load()
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def session():
    """The cookie of a user who holds every permission on the models, and no other."""
    user, _ = User.objects.get_or_create(username="user")
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label__in=["hr", "benchmarks"])
    )
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return f"{settings.SESSION_COOKIE_NAME}={store.session_key}"


def forget_created():
    """Take away the entities that were created, so that counting them costs what it did before."""
    invoices = Invoice.objects.filter(pk__gt=sample.INVOICES)
    EntityStamp.objects.filter(
        dataclass="hr.invoice", key__in=[str(pk) for pk in invoices.values_list("pk", flat=True)]
    ).delete()
    invoices._raw_delete(invoices.db)
    created = Employee.objects.filter(pk__gt=sample.EMPLOYEES)
    created._raw_delete(created.db)


@contextmanager
def many_employees(count):
    """``count`` employees in all, the others copied from the first ones by the database."""
    table, columns = Employee._meta.db_table, [f.column for f in Employee._meta.concrete_fields]
    listed = ", ".join(name for name in columns if name != "id")
    last = sample.EMPLOYEES
    with connection.cursor() as cursor:
        while last < count:
            # Doubles the table each time.
            cursor.execute(
                f"INSERT INTO {table} (id, {listed}) SELECT id + %s, {listed} FROM {table}"
                " WHERE id <= %s",
                [last, min(last, count - last)],
            )
            last *= 2
        if connection.vendor == "postgresql":
            cursor.execute(f"ANALYZE {table}")
    try:
        yield
    finally:
        added = Employee.objects.filter(pk__gt=sample.EMPLOYEES)
        added._raw_delete(added.db)


def forget_uploads():
    UploadedBlob.objects.all().delete()
    for folder in ("uploads", "plain"):
        shutil.rmtree(settings.FOLDER / folder, ignore_errors=True)

"""System checks: of the settings, of the options of dataclasses, and of what a site cannot see easily.

Only E027 opens a database connection; ``check --database``, ``migrate`` and, from
Django 6.1, every ``check`` run it. ``manage.py check --tag fourd_rest`` runs these alone.

==== ===========================================================================================
E001 a key of ``FOURD_REST`` that does not exist
E002 a value of ``FOURD_REST`` that is not allowed
E003 an option of a dataclass that does not exist
E004 option ``name``: no name that an address can hold
E005 option ``fields``: no list of field names, or a field that the model does not have
E006 option ``exclude``: likewise
E007 option ``names``: no dict, a field that the model does not have, or a name that is none
E008 option ``naming``: unknown
E009 option ``readonly_fields``: as ``fields``
E010 option ``ordering``: no list, or a path that leads nowhere
E011 option ``stamp_field``: no column that can count, or not in the topmost table
E012 option ``timestamp_field``: no time, or not beside the stamp
E013 option ``page_size``: no whole number above 0
E014 option ``delete_replaced_files``: neither True nor False
E015 two models under one name
E016 two attributes of one model under one name
E017 a model whose database does not get the tables of this app
E018 models of one table that keep their stamps in different places
E019 option ``computed``: no list of names
E020 option ``annotations``: no dict, or a name that is none
E021 option ``aliases``: no dict, a name that is none, or no path
E022 option ``delete_files``: neither True nor False
E023 option ``allow_stamp_override``: likewise
E024 a computed attribute without a type, an annotation that SQL refuses, an alias that leads nowhere
E025 option ``folded``: no dict of text fields, or a column that cannot hold what it is to hold
E026 option ``database_comparison``: no list of texts, or of custom fields
E027 a PostgreSQL database that cannot compare texts by 4D's rule: not in UTF8, or LC_CTYPE is C
E028 option ``allow_delete_all``: neither True nor False
E029 option ``object_permissions``: likewise, or no ``get_queryset`` that could grant anything
E033 a storage, of uploads or of an exposed file attribute, that cannot be made
E034 a field that ``fields`` names and whose name is the protocol's own: ``uri``
W001 a registered model that cannot be exposed
W002 a user model that is registered without ``fields``
W003 a field that ``fields`` names and that cannot be exposed
W004 uploads wait in a storage with a public address
W005 SQLite without ``transaction_mode`` IMMEDIATE
W006 a guest permission that no registered model has
W007 a folded column that is exposed, or shorter than its text
W041 a file field whose own code uploads by-pass
W061 guests may add, change or delete
W062 guests hold a permission on the users
W063 (``check --deploy``) guests are counted by address, and nothing says whether proxies stand in front
W064 a field whose name is the protocol's own, left out
W071 a default manager that gives a slice, a union, values or no queryset
W072 a default order, or a part of one, that cannot sort the rows by themselves
I001 generic relations that are left out
I003 receivers of every model's saves, for which arrays are saved entity by entity
I061 fields that are left out because their names look like secrets
I071 other relations that are left out, because no join leads over them
==== ===========================================================================================
"""

from __future__ import annotations

from .databases import check_databases, check_text_comparison
from .exposure import check_dataclasses
from .files import check_file_fields
from .receivers import check_receivers
from .settings import check_guest_permissions, check_proxies, check_settings
from .storages import check_file_storages, check_upload_storage

__all__ = [
    "check_databases",
    "check_dataclasses",
    "check_file_fields",
    "check_file_storages",
    "check_guest_permissions",
    "check_proxies",
    "check_receivers",
    "check_settings",
    "check_text_comparison",
    "check_upload_storage",
]

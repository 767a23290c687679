"""The query language (``query.md``): text → syntax tree → conditions and orders for the ORM."""

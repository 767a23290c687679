"""Entity sets: selections that are kept under an ID (``requests.md`` 6.4, D-20)."""

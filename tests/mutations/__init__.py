"""Guards of the package, removed one by one: each removal turns a fast test red.

``python -m tests.mutations`` tries all of them, each in a copy of the tree; ``guards`` lists them.
"""

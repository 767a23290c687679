"""Errors tell no more than they must, and logs keep their lines."""

from __future__ import annotations

from .guard import Guard

ERRORS: tuple[Guard, ...] = (
    Guard(
        "bug-is-told-by-its-reference",
        "fourd_rest/views/lifecycle.py",
        "RestError(INTERNAL(reference=reference))",
        "RestError(INTERNAL(reference=exc))",
        ("tests/spec/test_faults.py::test_save_with_a_bug",),
    ),
    Guard(
        "bug-is-reported",
        "fourd_rest/views/lifecycle.py",
        "reference = bugs.report(self.request._request, exc)",
        'reference = "00000000"',
        ("tests/spec/test_faults.py::test_save_with_a_bug",),
    ),
    Guard(
        "refusals-are-not-mailed",
        "fourd_rest/views/lifecycle.py",
        "        response._has_been_logged = True\n",
        "",
        ("tests/spec/test_faults.py::test_trials_tell_the_same",),
    ),
    Guard(
        "unknown-is-unknown-by-its-headers-too",
        "fourd_rest/views/lifecycle.py",
        "is_unknown = error.items[-1].row is DATACLASS_NOT_FOUND",
        "is_unknown = False",
        ("tests/unit/test_hidden_inside.py::test_a_hidden_dataclass_is_an_unknown_one",),
    ),
    Guard(
        "busy-database-is-no-bug",
        "fourd_rest/views/lifecycle.py",
        "    if (refusal := given_up(exc)) is not None:\n        return refusal\n",
        "",
        ("tests/spec/test_faults.py::test_a_read_that_the_database_gives_up_is_no_bug",),
    ),
    Guard(
        "messages-stay-in-their-line",
        "fourd_rest/errors.py",
        "texts = {name: printable(str(value)) for name, value in params.items()}",
        "texts = {name: str(value) for name, value in params.items()}",
        ("tests/spec/test_bad_input.py::test_what_does_not_stay_in_its_line_does_not_come_back",),
    ),
    Guard(
        "logs-stay-in-their-line",
        "fourd_rest/errors.py",
        "    return printable(str(item), _LOGGED_LENGTH)\n",
        "    return str(item)\n",
        ("tests/spec/test_log_lines.py",),
    ),
    Guard(
        "tracebacks-stay-in-their-line",
        "fourd_rest/errors.py",
        'return "\\n".join(f"  {_logged(line)}" for line in lines)',
        'return "\\n".join(lines)',
        ("tests/spec/test_log_lines.py::test_no_bug_forges_a_line",),
    ),
    Guard(
        "timing-is-off",
        "fourd_rest/http/timing.py",
        "return _measured() if current().SERVER_TIMING else _NOTHING",
        "return _measured()",
        ("tests/spec/test_server_timing.py::test_nothing_is_told_by_default",),
    ),
    Guard(
        "wrong-settings-do-not-count",
        "fourd_rest/conf.py",
        "        raise ImproperlyConfigured(problem.text)\n",
        "        continue\n",
        ("tests/unit/test_conf.py::test_invalid_value",),
    ),
)

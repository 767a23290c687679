"""How many statements a request took, for whoever asks for it."""

from __future__ import annotations

from django.db import connection


def count_statements(get_response):
    def middleware(request):
        if "HTTP_X_COUNT_STATEMENTS" not in request.META:
            return get_response(request)
        count = 0

        def counted(execute, *args):
            nonlocal count
            count += 1
            return execute(*args)

        with connection.execute_wrapper(counted):
            response = get_response(request)
        response["X-Statements"] = str(count)
        return response

    return middleware

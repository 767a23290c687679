"""A process that plays many clients who delete the same rows at once; commands as in ``crew.py``."""

from __future__ import annotations

import json
from typing import Any

from .crew import PATIENCE, Json, in_processes, main, prepare

# The site is there from here on.
from django.contrib.auth.models import User  # isort: skip
from django.db import connections, models  # isort: skip
from django.test import Client  # isort: skip

from fourd_rest import DataClass, register  # isort: skip
from fourd_rest.models import EntityStamp  # isort: skip
from fourd_rest.signals import entity_deleted  # isort: skip
from tests.zoo.models import Country, Hidden, Planet  # isort: skip

MODELS = {"Country": Country, "Planet": Planet, "Hidden": Hidden}


@register(Hidden)
class HiddenRows(DataClass):
    """Its rows are hidden by a statement that tells nobody."""

    def delete_model(self, request: Any, obj: models.Model) -> None:
        models.QuerySet(Hidden).filter(pk=obj.pk).update(is_gone=True)


def furnish(command: Json) -> list[str]:
    """Keys of ``rows`` new rows; ``told``: with stamps, as a save leaves them."""
    model = MODELS[command["dataclass"]]
    made = []
    for number in range(command["rows"]):
        values = {} if model is Hidden else {"code": f"{command['prefix']}{number:03}"}
        made.append(model(name="x", **values))
    if command["told"]:
        for row in made:
            row.save()
    else:
        made = model.objects.bulk_create(made)
    connections.close_all()
    return [str(row.pk) for row in made]


def left(command: Json) -> Json:
    """Keys of the rows that are there, of those that are shown, and of stamps of what is gone."""
    model = MODELS[command["dataclass"]]
    gone = EntityStamp.objects.filter(
        dataclass=model._meta.label_lower, deleted__isnull=False, key__in=command["keys"]
    )
    rows = models.QuerySet(model).filter(pk__in=command["keys"])
    shown = model.objects.filter(pk__in=command["keys"])
    return {"rows": rows.count(), "shown": shown.count(), "gone": gone.count()}


def race(command: Json) -> list[list[Json]]:
    """For every process, for each of ``paths``, asked for by all at once: status, codes, signals."""

    def work(number: int, barrier: Any) -> list[Json]:
        heard: list[Any] = []

        def hear(key: Any, **kwargs: Any) -> None:
            heard.append(key)

        entity_deleted.connect(hear)
        client = Client(HTTP_HOST="localhost")
        client.force_login(User.objects.get(username="admin"))
        seen = []
        for path in command["paths"]:
            path, _, query = path.partition("?")
            heard.clear()
            barrier.wait(PATIENCE)
            response = client.generic("DELETE", f"/rest/{path}", QUERY_STRING=query)
            codes = [error["errCode"] for error in json.loads(response.content).get("__ERROR", ())]
            seen.append({"http": response.status_code, "codes": codes, "heard": len(heard)})
        return seen

    return in_processes(command["processes"], work)


if __name__ == "__main__":
    main({command.__name__: command for command in (prepare, furnish, left, race)})

"""How many bytes uploads take in the storage, for the admin: by kind, owner and month.

Four statements, however many uploads there are. Rows older than ``UPLOAD_RETENTION`` are gone and do not
count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils.formats import date_format
from django.utils.translation import gettext

from fourd_rest.models import ConvertedPicture, UploadedBlob
from fourd_rest.pictures.conversions import ready_pictures

FULL = 1_000  # the length of the longest bar of a chart
MOST_OWNERS = 10
MOST_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """``files`` and bytes ``received``, of which the storage still has ``stored`` bytes.

    ``length`` and ``stored_length`` draw both numbers of bytes, from 0 to ``FULL``.
    """

    label: str
    files: int
    received: int
    stored: int
    length: int
    stored_length: int


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: a title and its bars, in their order."""

    title: str
    bars: list[Bar]


def charts(uploads: QuerySet[UploadedBlob]) -> list[Chart]:
    """The three charts of ``uploads``; pictures made of entities' files are a kind of their own."""
    uploads = uploads.order_by()
    kinds = _sums(uploads, "kind")
    labels = dict(UploadedBlob.Kind.choices)
    by_kind = [(str(labels.get(row["kind"], row["kind"])), row) for row in kinds]
    return [
        _chart(gettext("By kind"), [*by_kind, (_name_of_made(), _made())]),
        _chart(gettext("By owner"), _by_owner(uploads, kinds)),
        _chart(gettext("By month"), _by_month(uploads)),
    ]


def _sums(uploads: QuerySet[UploadedBlob], group: str) -> list[dict[str, Any]]:
    """A row per value of ``group``, the largest first."""
    return list(_summed(uploads.values(group)).order_by("-received", group))


def _summed(groups: Any) -> Any:
    return groups.annotate(
        files=Count("pk"),
        received=Sum("size", default=0),
        # A row without a name is what is left of a file that is gone.
        stored=Sum("size", filter=~Q(name=""), default=0),
    )


def _name_of_made() -> str:
    return str(ConvertedPicture._meta.verbose_name_plural)


def _made() -> dict[str, int]:
    row = ready_pictures().aggregate(files=Count("pk"), received=Sum("size", default=0))
    return {**row, "stored": row["received"]}


def _by_owner(uploads: QuerySet[UploadedBlob], all_rows: list[Any]) -> list[tuple[str, Any]]:
    """The owners of most bytes, and one bar for all others together."""
    name = f"owner__{get_user_model().USERNAME_FIELD}"
    most = list(_summed(uploads.values("owner", name)).order_by("-received", name)[:MOST_OWNERS])
    found = [(gettext("guest") if row["owner"] is None else str(row[name]), row) for row in most]
    others = {
        number: sum(row[number] for row in all_rows) - sum(row[number] for row in most)
        for number in ("files", "received", "stored")
    }
    return [*found, (gettext("others"), others)] if others["files"] else found


def _by_month(uploads: QuerySet[UploadedBlob]) -> list[tuple[str, Any]]:
    """The newest months in which something was received, in their order."""
    rows = _summed(uploads.annotate(month=TruncMonth("created")).values("month"))
    newest = reversed(rows.order_by("-month")[:MOST_MONTHS])
    return [(date_format(row["month"], "YEAR_MONTH_FORMAT"), row) for row in newest]


def _chart(title: str, rows: list[tuple[str, Any]]) -> Chart:
    longest = max((row["received"] for _, row in rows), default=0) or 1
    bars = [
        Bar(
            label,
            row["files"],
            row["received"],
            row["stored"],
            row["received"] * FULL // longest,
            row["stored"] * FULL // longest,
        )
        for label, row in rows
    ]
    return Chart(title, bars)

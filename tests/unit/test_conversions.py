"""Converted pictures: claimed, made once, kept, and cleared away, whatever crashes in between."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from fourd_rest import sweep
from fourd_rest.errors import CONVERSIONS_BUSY, STORAGE_FAILED, RestError
from fourd_rest.models import ConvertedPicture
from fourd_rest.pictures import conversions, decoder_gate, recoder
from fourd_rest.pictures.conversions import Source, Wanted, obtain, slot_of
from tests.conftest import picture

pytestmark = pytest.mark.django_db

State = ConvertedPicture.State
GIF, WEBP = Wanted("GIF", None), Wanted("WEBP", (4, 4))
UPLOADS = Path(django_settings.STORAGES["fourd_uploads"]["OPTIONS"]["location"])


def nothing() -> None:
    """Nobody is to be asked."""


def source(data: bytes = picture(), **values: Any) -> Source:
    given = {"model": "hr.employee", "field": "photo", "name": "a.png", "version": "1"} | values
    return Source(download=lambda: io.BytesIO(data), **given)


def ready(wanted: Wanted = GIF, **values: Any) -> ConvertedPicture:
    row = obtain(source(**values), wanted, nothing)
    assert row is not None
    assert row.state == State.READY
    return row


def files() -> list[str]:
    return sorted(path.relative_to(UPLOADS).as_posix() for path in UPLOADS.rglob("*") if path.is_file())


def states() -> list[str]:
    return list(ConvertedPicture.objects.order_by("pk").values_list("state", flat=True))


def claim(state: str = State.MAKING, wanted: Wanted = GIF, **values: Any) -> ConvertedPicture:
    """The row of another worker."""
    given = {"slot": slot_of(source(), wanted), "state": state, "source": "", "name": "converted/other"}
    return ConvertedPicture.objects.create(**given | values)


def age(seconds: float, **which: Any) -> None:
    then = timezone.now() - timedelta(seconds=seconds)
    ConvertedPicture.objects.filter(**which).update(touched=then)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], Any]]]:
    """What happens elsewhere while a request waits: one call for each nap."""
    planned: list[Callable[[], Any]] = []
    monkeypatch.setattr(conversions.time, "sleep", lambda seconds: planned.pop(0)())
    return planned


@pytest.fixture
def while_making(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """``while_making(act)``: what happens in the middle of the next conversion."""
    planned: list[Callable[[], Any]] = []
    recode = recoder.recode

    def interrupted(*args: Any, **kwargs: Any) -> None:
        if planned:
            planned.pop()()
        recode(*args, **kwargs)

    monkeypatch.setattr(recoder, "recode", interrupted)
    return planned.append


# Slots.


def test_a_slot_is_of_one_source_in_one_shape() -> None:
    shapes = [GIF, WEBP, Wanted("WEBP", None), Wanted("WEBP", (4, 40)), Wanted("WEBP", (44, 0))]
    sources = [
        source(),
        source(model="hr.company"),
        source(field="logo"),
        source(name="b.png"),
        source(version="2"),
    ]
    slots = {slot_of(one, shape) for one in sources for shape in shapes}
    assert len(slots) == 25
    assert slot_of(source(picture("GIF")), GIF) == slot_of(source(), GIF)


def test_another_pillow_makes_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before = slot_of(source(), GIF)
    monkeypatch.setattr(recoder, "RECIPE", "1 99.0")
    assert slot_of(source(), GIF) != before


# One maker.


def test_made_and_found() -> None:
    row = ready()
    assert files() == [row.name]
    data = (UPLOADS / row.name).read_bytes()
    assert row.size == len(data)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("GIF", (8, 6))
    with CaptureQueriesContext(connection) as queries:
        assert ready().pk == row.pk
    assert [query["sql"].split()[0] for query in queries] == ["SELECT"]


def test_somebody_is_asked_before_it_is_made_and_only_then() -> None:
    asked: list[int] = []
    for _ in range(3):
        obtain(source(), GIF, lambda: asked.append(len(files())))
    assert asked == [0]

    def refuse() -> None:
        raise RestError(CONVERSIONS_BUSY())

    with pytest.raises(RestError):
        obtain(source(), WEBP, refuse)
    assert states() == [State.READY]


def test_what_another_worker_makes_is_waited_for(naps: list[Any]) -> None:
    other = claim()
    naps += [nothing, nothing]
    naps.append(lambda: ConvertedPicture.objects.update(state=State.READY, touched=timezone.now()))
    asked: list[int] = []
    with CaptureQueriesContext(connection) as queries:
        row = obtain(source(), GIF, lambda: asked.append(1))
    assert row == other
    # Nobody who waits takes a lock; the update is the other worker's.
    assert [query["sql"].split()[0] for query in queries] == 3 * ["SELECT"] + ["UPDATE", "SELECT"]
    assert (naps, asked, files()) == ([], [1], [])


def test_what_another_worker_could_not_make(naps: list[Any]) -> None:
    claim()
    naps.append(lambda: ConvertedPicture.objects.update(state=State.FAILED, touched=timezone.now()))
    assert obtain(source(), GIF, nothing) is None
    assert states() == [State.FAILED]


def test_what_another_worker_gave_up(naps: list[Any]) -> None:
    claim()
    naps.append(lambda: ConvertedPicture.objects.all().delete())
    assert ready().size > 0


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversions, "_WAIT", 0.1)
    claim()
    with pytest.raises(RestError) as caught:
        obtain(source(), GIF, nothing)
    assert (caught.value.items, caught.value.status) == ((CONVERSIONS_BUSY(),), 503)
    assert caught.value.retry_after == 5
    assert states() == [State.MAKING]


def test_two_claims_at_once(monkeypatch: pytest.MonkeyPatch, naps: list[Any]) -> None:
    """The other claims the slot between our look and our claim."""
    others: list[ConvertedPicture] = []
    monkeypatch.setattr(conversions, "_make_room", lambda limit: others.append(claim()))
    naps.append(lambda: ConvertedPicture.objects.update(state=State.READY, touched=timezone.now()))
    row = obtain(source(), GIF, nothing)
    assert [row] == others
    assert (states(), files()) == ([State.READY], [])


def test_a_maker_that_was_killed(settings: Any) -> None:
    settings.FOURD_REST = {"UPLOAD_STALL_TIMEOUT": 100}
    dead = claim()
    age(101)
    row = ready()
    assert row.pk != dead.pk
    dead.refresh_from_db()
    assert (dead.state, dead.slot) == (State.ENDED, None)
    assert dead.touched > timezone.now() - timedelta(seconds=50)


def test_a_maker_that_is_alive_is_left_alone(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FOURD_REST = {"UPLOAD_STALL_TIMEOUT": 100}
    monkeypatch.setattr(conversions, "_WAIT", 0.05)
    claim()
    age(90)
    with pytest.raises(RestError):
        obtain(source(), GIF, nothing)
    assert states() == [State.MAKING]


def test_a_slow_maker_that_was_taken_for_dead(while_making: Any) -> None:
    """It throws away what it made, and takes what there is."""
    while_making(lambda: conversions._end(conversions.Q(state=State.MAKING)))
    row = ready()
    assert files() == [row.name]
    assert states() == [State.READY]


def test_a_maker_that_another_has_overtaken(while_making: Any) -> None:
    others: list[ConvertedPicture] = []

    def overtake() -> None:
        conversions._end(conversions.Q(state=State.MAKING))
        others.append(ready())

    while_making(overtake)
    assert [ready()] == others
    assert files() == [others[0].name]
    assert states() == [State.READY]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), OSError("disk full")])
def test_a_maker_that_is_interrupted(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    save = FileSystemStorage._save

    def fail(self: Any, name: str, content: Any) -> str:
        save(self, name, content)
        raise error

    monkeypatch.setattr(FileSystemStorage, "_save", fail)
    expected = RestError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        obtain(source(), GIF, nothing)
    assert (states(), files()) == ([], [])
    monkeypatch.undo()
    assert ready().size > 0


def test_what_cannot_be_cleared_away_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Any:
        raise OSError("the storage is away")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "size", fail)
        patch.setattr(FileSystemStorage, "delete", fail)
        with pytest.raises(RestError) as caught:
            obtain(source(), GIF, nothing)
    assert caught.value.items == (STORAGE_FAILED(),)
    assert states() == [State.MAKING]
    assert len(files()) == 1
    age(301)
    assert sweep.run().conversions == 0
    age(61)
    assert sweep.run().conversions == 1
    assert (states(), files()) == ([], [])


def test_a_source_that_cannot_be_read_is_no_bad_picture() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the network is down")

    with pytest.raises(OSError, match="network"):
        obtain(
            Source("hr.employee", "photo", "a.png", "1", download=Broken),
            GIF,
            nothing,
        )
    assert states() == []


def test_a_database_that_fails_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> bool:
        raise OperationalError("deadlock")

    with monkeypatch.context() as patch:
        patch.setattr(conversions, "_settle", fail)
        with pytest.raises(OperationalError):
            obtain(source(), GIF, nothing)
    assert (states(), files()) == ([], [])


def test_the_name_that_the_storage_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    save = FileSystemStorage._save
    monkeypatch.setattr(
        FileSystemStorage, "_save", lambda self, name, content: save(self, name + "_1", content)
    )
    row = ready()
    assert row.name.endswith("_1")
    row.refresh_from_db()
    assert files() == [row.name]


# The number at a time.


def test_the_gate(settings: Any) -> None:
    settings.FOURD_REST = {"MAX_CONVERSIONS": 2}
    one = decoder_gate.Gate()
    assert [one.enter() for _ in range(3)] == [True, True, False]
    one.leave()
    assert [one.enter() for _ in range(2)] == [True, False]


def test_a_turn(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FOURD_REST = {"MAX_CONVERSIONS": 1}
    one, naps = decoder_gate.Gate(), []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 6:
            one.leave()

    monkeypatch.setattr(decoder_gate.time, "sleep", sleep)
    assert one.enter()
    with one.turn(60):
        assert naps == [0.02, 0.04, 0.08, 0.16, 0.25, 0.25]
        with pytest.raises(RestError) as caught, one.turn(0):
            raise AssertionError("two at a time")
        assert (caught.value.items[0].row, caught.value.retry_after) == (CONVERSIONS_BUSY, 5)
    assert one.enter()


def test_an_error_that_is_not_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture is not remembered as one that cannot be made."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RestError(STORAGE_FAILED())

    monkeypatch.setattr(recoder, "recode", fail)
    with pytest.raises(RestError) as caught:
        obtain(source(), GIF, nothing)
    assert (caught.value.items[0].row, states(), files()) == (STORAGE_FAILED, [], [])


def test_a_turn_is_waited_for_and_given_back(naps: list[Any], settings: Any, while_making: Any) -> None:
    settings.FOURD_REST = {"MAX_CONVERSIONS": 1}
    assert decoder_gate.gate.enter()
    naps += [nothing, decoder_gate.gate.leave]
    assert ready().size > 0
    assert naps == []

    def fail() -> None:
        raise KeyboardInterrupt

    while_making(fail)
    with pytest.raises(KeyboardInterrupt):
        obtain(source(), WEBP, nothing)
    assert decoder_gate.gate._inside == 0


# The sweep.


def test_what_is_used_stays(settings: Any) -> None:
    settings.FOURD_REST = {"CONVERTED_RETENTION": 10_000}
    used, unused = ready(GIF), ready(WEBP)
    age(9_000)
    with CaptureQueriesContext(connection) as queries:
        ready(GIF)
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "UPDATE"]
    age(10_001, pk=unused.pk)
    assert sweep.run().conversions == 0
    assert states() == [State.READY, State.ENDED]
    age(59, pk=unused.pk)
    assert sweep.run().conversions == 0
    assert files() == sorted([used.name, unused.name])
    age(61, pk=unused.pk)
    assert sweep.run().conversions == 1
    assert files() == [used.name]
    assert ready(GIF).pk == used.pk


def test_the_least_used_make_room(settings: Any) -> None:
    shapes = [Wanted("GIF", (side, side)) for side in (2, 3, 4, 5)]
    rows = [ready(shape) for shape in shapes]
    ConvertedPicture.objects.update(size=100)
    for seconds, row in zip((50, 400, 300, 200), rows, strict=True):
        age(seconds, pk=row.pk)
    settings.FOURD_REST = {"MAX_CONVERTED_BYTES": 201}
    sweep.run()
    assert states() == [State.READY, State.ENDED, State.ENDED, State.READY]
    sweep.run()
    assert states() == [State.READY, State.ENDED, State.ENDED, State.READY]


def test_a_request_makes_room_too(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversions, "_FEW", 2)
    for side in (2, 3, 4, 5):
        ready(Wanted("GIF", (side, side)))
    ConvertedPicture.objects.update(size=100)
    settings.FOURD_REST = {"MAX_CONVERTED_BYTES": 100}
    age(100)
    ready(Wanted("GIF", (6, 6)))
    assert sorted(states()) == [State.ENDED] * 3 + [State.READY] * 2
    assert len(files()) == 5
    age(100, state=State.ENDED)
    ready(Wanted("GIF", (7, 7)))
    assert len(files()) == 4


def test_a_file_that_cannot_be_deleted_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ready()
    conversions._end(conversions.Q())
    age(61)

    def fail(*args: Any) -> Any:
        raise OSError("the storage is away")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", fail)
        assert sweep.run().conversions == 0
    assert states() == [State.ENDED]
    assert sweep.run().conversions == 1
    assert (states(), files()) == ([], [])


def test_a_failure_is_swept_after_an_hour() -> None:
    assert obtain(source(b"no picture"), GIF, nothing) is None
    age(3_599)
    sweep.run()
    assert states() == [State.FAILED]
    age(3_601)
    sweep.run()
    assert states() == [State.ENDED]
    age(61)
    assert sweep.run().conversions == 1


def test_the_row_tells_what_it_is() -> None:
    assert str(ready(WEBP)) == "a.png WEBP 4x4"
    assert str(ready(GIF)) == "a.png GIF"

"""Constants for criteria, near to a value that is there, in every form a client may write them in."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from .language import Json, Operand, Quoted, Word
from .spelling import Choices, can_be_bare, can_be_quoted

COMPARISON = ("<", "<=", ">", ">=")
NUMBERS = ("word", "long", "long64", "number")
# Texts with what is special in the patterns of SQL.
SPECIAL = ("a_b", "10%", "a_b", "10%", "a*b", "a?b")


class Constants:
    """Draws constants; a text that is near to no value is one of ``texts``."""

    def __init__(self, choices: Choices, texts: tuple[str, ...]) -> None:
        self._pick, self._chance = choices.pick, choices.chance
        self._texts = texts

    def several(self, type: str, value: Any) -> Operand:
        count = self._pick((0, 1, 2, 2, 3))
        items = self._items(type, value, count, json=self._chance(40))
        if any(isinstance(item, Json) for item in items):
            # A placeholder stands for a whole list.
            items = self._items(type, value, count, json=True)
        return tuple(items)

    def _items(self, type: str, value: Any, count: int, *, json: bool) -> list[Any]:
        return [
            self.one(type, "=", None if at else value, json=json, in_list=True) for at in range(count)
        ]

    def one(
        self, type: str, operator: str, value: Any, *, json: bool | None = None, in_list: bool = False
    ) -> Any:
        """A constant near ``value``, or near to some value of the type if it is None."""
        if type == "bool":
            truth = self._truth(bool(self._pick((True, False)) if value is None else value), json)
            return self._word_of(truth) if self._chance(20) else truth
        if type == "object":
            return self._of_property(operator, value, json, in_list)
        if type == "key":
            return self._key(value, json)
        if type in NUMBERS:
            return self._number(value, json, in_list)
        text = {
            "string": self._text,
            "date": self._date,
            "moment": self._moment,
            "duration": self._duration,
            "time": self._time,
            "uuid": self._uuid,
        }[type](operator, value)
        return self._spelled(text, json, in_list)

    def _spelled(self, text: str, json: bool | None, in_list: bool) -> Any:
        if json is None:
            json = self._chance(25)
        if json or not (can_be_quoted(text) or can_be_bare(text, in_list)):
            return Json(text)
        if can_be_bare(text, in_list) and (self._chance(50) or not can_be_quoted(text)):
            return Word(text)
        return Quoted(text)

    def _truth(self, value: bool, json: bool | None) -> Any:
        value = not value if self._chance(20) else value
        return Json(value) if json or (json is None and self._chance(25)) else value

    def _word_of(self, truth: Any) -> Any:
        """In any case of letters, in quotes too (D-46)."""
        is_json = isinstance(truth, Json)
        word = str(truth.value if is_json else truth)
        word = self._pick((word, word.upper(), word.lower()))
        return Json(word) if is_json else self._pick((Word, Quoted))(word)

    def _text(self, operator: str, value: Any) -> str:
        text: str = self._pick(self._texts) if value is None or self._chance(15) else value
        if operator == "%":
            text = self._pick(
                [word for word in text.replace(",", " ").split() if word.isalnum()] or ["x"]
            )
        if self._chance(30):
            text = text.swapcase()
        if operator in COMPARISON:
            # Elsewhere than at its end, "@" is no wildcard that an order could use.
            text = text.replace("@", "")
            return f"{text[:2]}@" if self._chance(20) else text
        if self._chance(35) and operator not in ("===", "!=="):
            if self._chance(40):
                text = self._pick(SPECIAL)
            middle = len(text) // 2
            text = self._pick(
                (f"{text[:2]}@", f"@{text[-2:]}", f"@{text[1:-1]}@", f"{text[:1]}@{text[-1:]}", "@")
                if operator != "begin"
                else (text[:1], text[:middle], f"@{text[middle:]}")
            )
        elif operator == "begin":
            text = text[: self._pick((1, 2, 3))]
        return f"{text}@@" if operator != "begin" and self._chance(2) else text

    def _number(self, value: Any, json: bool | None, in_list: bool) -> Any:
        number = Decimal(self._pick((-7, 0, 1, 2, 20))) if value is None else Decimal(str(value))
        if self._chance(30):
            number += self._pick((Decimal(1), Decimal(-1), Decimal("0.5"), Decimal(2**64)))
        whole = number == number.to_integral_value()
        if json or (json is None and self._chance(25)):
            return Json(int(number) if whole else number)
        text = str(int(number)) if whole and self._chance(80) else format(number, "f")
        if whole and number >= 0 and self._chance(8):
            text = f"v{int(number)}"
        return self._spelled(text, False, in_list)

    def _key(self, value: Any, json: bool | None) -> Any:
        key = 205 if value is None else value + self._pick((0, 0, 0, 1))
        if json or (json is None and self._chance(25)):
            return Json(key)
        return Word(str(key)) if self._chance(50) else Quoted(str(key))

    def _date(self, operator: str, value: Any) -> str:
        date: dt.date = (
            self._pick((dt.date(2024, 1, 2), dt.date(1999, 12, 31))) if value is None else value
        )
        if self._chance(15):
            date += dt.timedelta(days=self._pick((-1, 1)))
        return str(
            self._pick(
                (
                    date.isoformat(),
                    f"{date.day}!{date.month}!{date.year}",
                    f"!!{date.isoformat()}!!",
                    f"{date.isoformat()}T00:00:00Z",
                )
            )
        )

    def _moment(self, operator: str, value: Any) -> str:
        moment: dt.datetime = dt.datetime(2024, 1, 2, tzinfo=dt.UTC) if value is None else value
        if self._chance(15):
            moment += dt.timedelta(milliseconds=self._pick((-1, 1)))
        if moment.time() == dt.time() and self._chance(50):
            return self._date(operator, moment.date())
        shifted = moment.astimezone(dt.timezone(dt.timedelta(hours=2)))
        zulu = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # Without a zone it is UTC.
        return str(self._pick((zulu, zulu[:-1], shifted.isoformat(timespec="milliseconds"))))

    def _duration(self, operator: str, value: Any) -> str:
        duration: dt.timedelta = dt.timedelta(milliseconds=1500) if value is None else value
        if self._chance(15):
            duration += dt.timedelta(milliseconds=self._pick((1, 1000)))
        milliseconds = duration // dt.timedelta(milliseconds=1)
        if milliseconds % 1000 == 0 and self._chance(50):
            seconds = milliseconds // 1000
            return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return str(milliseconds)

    def _time(self, operator: str, value: Any) -> str:
        time: dt.time = dt.time(12) if value is None else value
        moment = dt.datetime.combine(dt.date(2000, 1, 1), time)
        if self._chance(15) and time < dt.time(23):
            moment += dt.timedelta(milliseconds=self._pick((1, 1000)))
        if self._chance(50):
            return moment.time().isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
        return str((moment - dt.datetime(2000, 1, 1)) // dt.timedelta(milliseconds=1))

    def _uuid(self, operator: str, value: Any) -> str:
        text = "0" * 32 if value is None else value.hex
        if self._chance(40):
            text = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        return text.upper() if self._chance(50) else text

    def _of_property(self, operator: str, value: Any, json: bool | None, in_list: bool) -> Any:
        """A constant whose type shows in its spelling, for a property compares with its own type."""
        if value is None or isinstance(value, (list, dict)) or self._chance(15):
            value = self._pick((1, 2.5, "12", "dune", True))
        if operator in ("%", "begin") and not isinstance(value, str):
            value = "Dune"
        if isinstance(value, bool):
            if operator in COMPARISON:
                return self._of_property(operator, 1, json, in_list)
            return self._truth(value, json)
        if isinstance(value, str):
            text = self._text(operator, value)
            if json or not can_be_quoted(text):
                return Json(text)
            if not text.replace(".", "").isdigit() and can_be_bare(text, in_list) and self._chance(40):
                return Word(text)
            return Quoted(text) if json is not None or self._chance(70) else Json(text)
        number = Decimal(str(value))
        if self._chance(20):
            number += 1
        whole = number == number.to_integral_value()
        if json or (json is None and self._chance(25)):
            return Json(int(number) if whole else number)
        return Word(format(number, "f"))

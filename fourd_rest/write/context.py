"""What it takes to write entities of one dataclass for one caller."""

from __future__ import annotations

from fourd_rest import bugs
from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.attributes import ToOne
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import NESTED_TOO_DEEP, NOT_SUPPORTED
from fourd_rest.read.reader import Rows

from .answers import Answers
from .posted import Judge
from .refusal import Refusal


class Context:
    """One caller, one dataclass, one database; made once for a request and for each related dataclass.

    ``depth`` counts the entities around those that are written here.
    """

    def __init__(self, caller: Caller, dataclass: DataClass, depth: int = 0) -> None:
        self.caller = caller
        self.dataclass = dataclass
        self.depth = depth
        self.alias = dataclass.write_alias()
        self.rows = Rows(caller, dataclass, self.alias)
        self.answers = Answers(self.rows)
        self.judge = Judge(caller, dataclass, self.alias)
        self.bugs = bugs.Reporter(caller.request)
        self._related: dict[DataClass, Context] = {}

    def related(self, attribute: ToOne[DataClass]) -> Context:
        """The context of the entities that are nested in ours under ``attribute`` (D-13).

        Raises ``Refusal`` 9018 beyond ``MAX_NESTED_DEPTH``, 9014 for entities of another database.
        """
        target = attribute.target
        found = self._related.get(target)
        if found is None:
            limit = current().MAX_NESTED_DEPTH
            if self.depth >= limit:
                raise Refusal(NESTED_TOO_DEEP(limit=limit))
            found = Context(self.caller, target, self.depth + 1)
            if found.alias != self.alias:
                raise Refusal(NOT_SUPPORTED(feature="A nested entity of another database"))
            self._related[target] = found
        return found

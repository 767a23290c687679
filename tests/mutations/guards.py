"""All guards: where each stands, what stands there without it, and the tests that notice."""

from __future__ import annotations

from .checks import CHECKS
from .deletes import DELETES
from .errors import ERRORS
from .files import FILES
from .guard import Guard
from .limits import LIMITS
from .origins import ORIGINS
from .queries import QUERIES
from .rights import RIGHTS
from .sets import SETS
from .stamps import STAMPS
from .uploads import UPLOADS
from .writes import WRITES

GUARDS: tuple[Guard, ...] = (
    *RIGHTS,
    *ORIGINS,
    *STAMPS,
    *LIMITS,
    *UPLOADS,
    *FILES,
    *QUERIES,
    *SETS,
    *ERRORS,
    *CHECKS,
    *WRITES,
    *DELETES,
)

"""The clock and the user, as they are written into the history."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime


def now() -> str:
    """Return the present time in UTC as ISO 8601 with seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def current_user() -> str:
    """Return the name of the user who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

"""What time it is: the moment that outputs say they were made."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from yaotan.errors import YaotanError

#: environment variable that fixes the moment [s since 1970], as reproducible-builds.org defines it
VARIABLE = "SOURCE_DATE_EPOCH"


def now() -> datetime:
    """Give the present moment (UTC), or the one that ``SOURCE_DATE_EPOCH`` fixes.

    With a fixed moment equal data are written as equal bytes.

    Raises
    ------
    YaotanError
        The variable is set and holds no number of seconds.
    """
    fixed = os.environ.get(VARIABLE)
    if not fixed:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(fixed), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise YaotanError(
            f"{VARIABLE}={fixed!r} is no moment",
            where="environment",
            expected="whole seconds since 1970-01-01 UTC",
            fix="correct or unset it",
        ) from error

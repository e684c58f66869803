"""How often and how long a transfer is tried again, and what makes it hopeless."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


class TransferError(Exception):
    """A transfer failed: what happened, what to do, whether trying again may help.

    Parameters
    ----------
    what, fix : str
        In words for the user, without any secret.
    lasting : bool
        Trying again cannot help.
    login : bool
        The service refused the credentials, so other files will fail in the same way.
    wait : float, optional
        Seconds that the service asks to wait.
    """

    def __init__(
        self,
        what: str,
        *,
        fix: str = "",
        lasting: bool = False,
        login: bool = False,
        wait: float | None = None,
    ) -> None:
        super().__init__(what)
        self.what, self.fix, self.lasting, self.login, self.wait = what, fix, lasting, login, wait


@dataclass(frozen=True)
class Patience:
    """When a failed transfer is tried again.

    Parameters
    ----------
    attempts : int
        Attempts in a row that bring nothing new before a file is given up.
    connect, stall : float
        Seconds to wait for a connection, and for the next byte.
    first_wait, longest_wait : float
        Seconds before the second attempt, doubled each time; the greatest wait, also of those that the
        service asks for by ``Retry-After``.
    sleep : callable, optional
        Waits the given seconds; default is a wait that an interruption ends.

    Examples
    --------
    >>> [Patience().pause(failures, None) for failures in (1, 2, 3)]
    [1.0, 2.0, 4.0]
    """

    attempts: int = 5
    connect: float = 20.0
    stall: float = 60.0
    first_wait: float = 1.0
    longest_wait: float = 300.0
    sleep: Callable[[float], None] | None = None

    def pause(self, failures: int, asked: float | None) -> float:
        """Give the seconds to wait after so many failures in a row, never less than the service asks.

        Raises
        ------
        TransferError
            The service asks for more than `longest_wait`.
        """
        own = min(self.first_wait * 2.0 ** (failures - 1), self.longest_wait)
        if asked is None:
            return own
        if asked > self.longest_wait:
            raise TransferError(
                f"the service asks to wait {asked:.0f} s, longer than the limit of {self.longest_wait:.0f} s",
                fix="run the same command again later",
                lasting=True,
            )
        return max(asked, 0.0)


def read_retry_after(text: str | None, *, unit: float = 1.0, now: dt.datetime | None = None) -> float | None:
    """Read a ``Retry-After`` field (RFC 9110, 10.2.3): seconds, or a date.

    Parameters
    ----------
    text : str or None
        Value of the field.
    unit : float
        Seconds that 1 means.
    now : datetime.datetime, optional
        Moment to count from; default is the present.

    Returns
    -------
    float or None
        Seconds to wait, at least 0; None when the field is absent or cannot be read.

    Examples
    --------
    >>> read_retry_after("120")
    120.0
    >>> read_retry_after("1500", unit=0.001)
    1.5
    >>> read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT")
    0.0
    """
    if text is None:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", text.strip()):
        return float(text) * unit
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max((moment - (now or dt.datetime.now(dt.UTC))).total_seconds(), 0.0)

"""Compiled functions: how numba is asked, in one place.

Functions that call one another stand in one file: numba's cache of machine code sees changes of the file of a
function only, and would go on with the old code of a function from elsewhere. Without the JIT
(``NUMBA_DISABLE_JIT=1``) the same functions run as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Compile without the lock of the interpreter; the machine code is kept in numba's file cache.

    Parameters
    ----------
    function : callable
        Of numbers and arrays, as numba takes it.
    **options
        Further options of `numba.njit`.

    Returns
    -------
    callable
        The compiled function. Division by zero gives inf or NaN as in numpy, not an exception: no branch on
        each division.

    Examples
    --------
    >>> compiled(lambda x: 1.0 / x)(0.0)
    inf
    """
    settings = {"error_model": "numpy", "nogil": True, **options}
    try:
        return numba.njit(cache=True, **settings)(function)
    except RuntimeError:  # numba finds no folder in which it may keep compiled code (read-only install)
        return numba.njit(**settings)(function)


def compiled_without_allocation(function: Callable[..., Any]) -> Any:
    """Compile a function that allocates nothing.

    Counting references of a dozen arrays for each small call can take half of its time; it is left out.

    Parameters
    ----------
    function : callable
        Of numbers and arrays; every array that it fills is given to it.

    Returns
    -------
    callable
        The compiled function.
    """
    return _without_counting(function, compiled)


def inlined(function: Callable[..., Any]) -> Any:
    """Write a function that allocates nothing out where a compiled one calls it.

    Parameters
    ----------
    function : callable
        Of numbers and arrays.

    Returns
    -------
    callable
        The function, for compiled code.
    """
    return _without_counting(function, _inline)


def _inline(function: Callable[..., Any], **options: Any) -> Any:
    return numba.njit(error_model="numpy", inline="always", **options)(function)


def _without_counting(function: Callable[..., Any], compiler: Callable[..., Any]) -> Any:
    try:
        return compiler(function, _nrt=False)
    except KeyError:  # the option is not part of numba's public interface
        return compiler(function)

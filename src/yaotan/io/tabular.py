"""Tables that this package wrote, read back."""

from __future__ import annotations

from typing import Final

import pandas as pd

from yaotan.typing import PathLike

#: columns that hold names, even when a name looks like a number (an adcode)
TEXT: Final = ("region_id", "side_a", "side_b", "version")


def read_table(path: PathLike) -> pd.DataFrame:
    """Read a CSV table written by `write`.

    Parameters
    ----------
    path : path-like
        UTF-8 text, with or without byte-order mark.

    Returns
    -------
    pandas.DataFrame
        Ids as text, ``time`` as datetime; only an empty field is missing ("NA" is a name).
    """
    table = pd.read_csv(
        path, dtype=dict.fromkeys(TEXT, str), encoding="utf-8-sig", keep_default_na=False, na_values=[""]
    )
    if "time" in table:
        table["time"] = pd.to_datetime(table["time"])
    return table

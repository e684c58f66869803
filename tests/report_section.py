"""One section of the report by itself, and its tables and downloads as plain values."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from functools import cache

import pandas as pd

from report_results import make_results
from yaotan.report.context import PageContext
from yaotan.report.text import Text


@cache
def study(months: int = 24):
    return make_results(months=months, products=1, truth=False, analyses=True)


def build(make, results=None, language="en"):
    return make(PageContext(results or study(), Text(language)))


def group(make, results=None, language="en"):
    return build(make, results, language).parts["groups"][0]


def texts(table):
    return [[cell.text for cell in row] for row in table.rows]


def numbers(download):
    content = base64.b64decode(download.href.partition("base64,")[2]).decode("utf-8-sig")
    return pd.read_csv(io.StringIO(content))


def with_first(results, field, **changes):
    """Replace fields of the first analysis of a kind."""
    return replace(results, **{field: (replace(getattr(results, field)[0], **changes),)})

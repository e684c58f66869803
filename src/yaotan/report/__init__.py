"""The report: one HTML file with figures, in English or Chinese.

The package is also the public verb: ``yaotan.report(results, path)`` is `yaotan.report.page.report`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yaotan.report.result import StudyResults
    from yaotan.typing import PathLike


class _Report(ModuleType):
    """A package that can be called: ``yaotan.report`` is both this package and the verb of the same name."""

    def __call__(self, results: StudyResults, path: PathLike, *, language: str | None = None) -> Path:
        """Write the report of a study; see `yaotan.report.page.report`."""
        from yaotan.report.page import report

        return report(results, path, language=language)


sys.modules[__name__].__class__ = _Report

"""Every case: the lists ``CASES`` of the modules ``case_*.py`` beside this one."""

from __future__ import annotations

import importlib
from pathlib import Path

from contract.truth import Case


def all_cases() -> list[Case]:
    """Gather the cases, sorted by name."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("case_*.py"))
    modules = [importlib.import_module(f"contract.{name}") for name in names]
    return sorted((case for module in modules for case in module.CASES), key=str)

"""The tree of exceptions: each message says what, where, what was expected and what to do."""

from __future__ import annotations


class YaotanError(ValueError):
    """A problem that the user can cause and mend.

    Parameters
    ----------
    what : str
        What is wrong, in one clause.
    where : str, optional
        File, argument or key in which it was found.
    expected : str, optional
        What would have been right.
    fix : str, optional
        What to do about it.

    Examples
    --------
    >>> raise YaotanError("longitude is missing", where="a.nc", fix="check the file")
    Traceback (most recent call last):
    ...
    yaotan.errors.YaotanError: a.nc: longitude is missing. To do: check the file.
    """

    def __init__(self, what: str, *, where: object = "", expected: str = "", fix: str = "") -> None:
        self.what, self.where, self.expected, self.fix = what, str(where), expected, fix
        head = f"{self.where}: {what}" if self.where else what
        parts = [head, f"Expected: {expected}" if expected else "", f"To do: {fix}" if fix else ""]
        super().__init__(" ".join(part.rstrip(".") + "." for part in parts if part))

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the parts when an error crosses a process border."""
        return (_rebuild, (type(self), self.what, self.where, self.expected, self.fix))


def _rebuild(kind: type[YaotanError], what: str, where: str, expected: str, fix: str) -> YaotanError:
    return kind(what, where=where, expected=expected, fix=fix)


class SchemaError(YaotanError):
    """An object is not one of the six nouns, or breaks a rule of its noun."""


class UnitsError(YaotanError):
    """A unit is missing, unknown, or of another dimension."""


class CatalogError(YaotanError):
    """A catalog entry (product, region, alias table, factor) is wrong or unknown."""


class NotAGranuleError(YaotanError):
    """A file cannot be read as any known product: damaged, empty, of another type, or unknown."""


class AmbiguousLayoutError(NotAGranuleError):
    """A file offers several equally good candidates for one variable."""


class RegionError(YaotanError):
    """A region file or a region argument cannot be used."""


class GridError(YaotanError):
    """A grid specification is impossible, or grids do not fit together."""


class TooFewSoundingsError(YaotanError):
    """Nothing, or not enough, is left to work on."""


class SeriesError(YaotanError):
    """A time series is too short, or its times or values cannot be used."""


class PanelError(YaotanError):
    """A panel of regions and years breaks a rule, or does not hold what a model or a check needs."""


class ModelError(YaotanError):
    """A saved model is missing, damaged, changed since it was saved, or holds types that are not allowed."""


class RecipeError(YaotanError):
    """A study file is wrong, or a run cannot go on."""


class OutputError(YaotanError):
    """A result cannot be written where or how the user asked."""


class FetchError(YaotanError):
    """Files cannot be had from a service: not found, not reachable, or not what was asked for."""


class CredentialsError(FetchError):
    """A service needs a login that is missing or refused."""


class MissingDependencyError(YaotanError, ImportError):
    """An optional package, or a system library that it needs, is not installed."""


class UncheckedLayoutWarning(UserWarning):
    """A reader is used that was never run on a real file of its product."""


class LeftOutWarning(UserWarning):
    """A format has no place for some variables of what is written: they are left out, and named."""


class ModelVersionWarning(UserWarning):
    """A saved model was made with other versions of the packages that read it."""

"""Facts kept as data: products, gases, regions, legends and coefficients, read from packaged YAML."""

from yaotan.catalog.gas import Gas, add_gases, gases
from yaotan.catalog.source import load_yaml, root

__all__ = ["Gas", "add_gases", "gases", "load_yaml", "root"]

"""Validate STAC offline: core schemas that pystac carries, and those of extensions kept with the tests."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pystac.validation import JsonSchemaSTACValidator, validate_dict

#: what Python reports before it looks for a host or talks to one
_NETWORK = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"})
_cut = {"is": False, "watched": False}

SCHEMAS = Path(__file__).parent / "schema"


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _cut["is"] and event in _NETWORK:
        raise AssertionError(f"the network was asked: {event} {arguments[1:]}")


@contextmanager
def no_network() -> Iterator[None]:
    """Fail on any use of the network inside the block, of whatever library."""
    if not _cut["watched"]:  # a hook cannot be taken away again
        sys.addaudithook(_watch)
        _cut["watched"] = True
    _cut["is"] = True
    try:
        yield
    finally:
        _cut["is"] = False


class OfflineValidator(JsonSchemaSTACValidator):
    """Knows the schemas of the folder; any other would need the network and is an error."""

    def __init__(self) -> None:
        super().__init__()
        for path in sorted(SCHEMAS.rglob("*.json")):
            schema = json.loads(path.read_text(encoding="utf-8"))
            # a trailing # belongs to the identifier but not to the address
            self.schema_cache[schema["$id"].rstrip("#")] = schema

    def _get_schema(self, schema_uri: str) -> dict[str, Any]:
        address = schema_uri.rstrip("#")
        if address not in self.schema_cache:
            raise AssertionError(f"schema {schema_uri} is not kept with the tests")
        return self.schema_cache[address]


def validate_file(path: Path, validator: OfflineValidator) -> dict[str, Any]:
    """Validate one catalog, collection or item, and follow its links."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    validate_dict(content, href=str(path), validator=validator)
    assert content["stac_version"] == "1.1.0"
    for link in content["links"]:
        assert link["rel"] != "self"
        if not link["href"].startswith("https://"):
            assert (path.parent / link["href"]).resolve().is_file(), link
    return content


def validate_tree(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Validate every file of a catalog; give them by type. All must be reached by links from the root."""
    with no_network():
        return _validate_tree(root, OfflineValidator())


def _validate_tree(root: Path, validator: OfflineValidator) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"Catalog": [], "Collection": [], "Feature": []}
    todo, seen = [root / "catalog.json"], set()
    while todo:
        path = todo.pop()
        seen.add(path.resolve())
        content = validate_file(path, validator)
        found[content["type"]].append(content)
        todo += [path.parent / link["href"] for link in content["links"] if link["rel"] in ("child", "item")]
    assert seen == {path.resolve() for path in root.rglob("*") if path.is_file()}
    return found

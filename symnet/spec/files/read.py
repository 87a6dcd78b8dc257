"""A file's bytes or text to a tree of items, by its format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from symnet.errors import Mark
from symnet.spec.files.item import LARGEST, Item, too_large
from symnet.spec.files.json_file import read_json
from symnet.spec.files.toml_file import read_toml
from symnet.spec.files.yaml_file import read_yaml
from symnet.spec.passage import Problems, meant

READERS: dict[str, Callable[[str, Problems], Item | None]] = {"yaml": read_yaml, "toml": read_toml, "json": read_json}
STRANGE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SUFFIXES = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}


def text_of(path: str | Path, problems: Problems) -> str | None:
    """The text of a file; None where it cannot be had."""
    try:
        with Path(path).open("rb") as file:
            raw = file.read(4 * LARGEST + 1)
    except FileNotFoundError:
        near = meant(Path(path).name, neighbours(Path(path)), "check the name; `symnet new model.yaml` writes one")
        problems.add("E0001", f"there is no file {str(path)!r}", near)
    except IsADirectoryError:
        problems.add("E0001", f"{str(path)!r} is a folder", "give a model file")
    except (OSError, ValueError) as error:
        problems.add("E0001", f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}", "")
    else:
        return decoded(raw, problems)
    return None


def neighbours(path: Path) -> list[str]:
    """Model files in the same folder."""
    try:
        return [other.name for other in path.parent.iterdir() if other.suffix in SUFFIXES]
    except (OSError, ValueError):
        return []


def decoded(raw: bytes, problems: Problems) -> str | None:
    """Bytes as UTF-8 text."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        line, col = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        what = f"byte 0x{raw[error.start]:02x} is no UTF-8"
        problems.add("E0002", what, "save the file as UTF-8", [Mark(line, col)])
    return None


def format_of(path: str | Path, text: str, format: str | None, problems: Problems) -> str | None:
    """yaml, toml or json: as told, by the file's name, or by a look at the text."""
    if format is not None:
        if format not in READERS:
            hint = meant(format, READERS, f"there are {', '.join(READERS)}")
            problems.add("E0001", f"there is no format {format!r}", hint)
            return None
        return format
    suffix = Path(path).suffix.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    return "json" if text.lstrip().startswith("{") else "yaml"


def read_tree(text: str, format: str, problems: Problems) -> Item | None:
    """The tree of a text; None where it cannot be had, with mistakes noted."""
    if len(text) > LARGEST:
        too_large(problems, f"has more than {LARGEST} characters")
        return None
    strange = STRANGE.search(text)
    if strange is not None:
        number = strange.start()
        mark = Mark(text.count("\n", 0, number) + 1, number - text.rfind("\n", 0, number))
        refuse(strange.group(), mark, problems)
        return None
    item = READERS[format](text, problems)
    if item is not None and not isinstance(item.value, dict):
        hint = "a model file begins with `symnet: 1` and goes on with tensors:, formulas: and loss:"
        problems.add("E0009", "this is no model file: it has no keys", hint, [item.mark])
        return None
    if item is None and not problems.found:
        problems.add("E0009", "the file is empty", "`symnet new model.yaml` writes a starter file", [Mark(1, 1)])
    strange_texts = [] if item is None else list(escaped(item))
    for char, mark in strange_texts:
        refuse(char, mark, problems)
    return None if strange_texts else item


def refuse(char: str, mark: Mark, problems: Problems) -> None:
    """Note a character that no text may hold: halves of characters cannot be written, others steer terminals."""
    problems.add("E0002", f"the character U+{ord(char):04X} does not belong in a text", "remove it", [mark])


def escaped(item: Item) -> Iterator[tuple[str, Mark]]:
    """Strange characters that a text or a key came to hold by an escape such as \\u001b, the first of each."""
    if isinstance(item.value, str):
        yield from ((found.group(), item.mark) for found in [STRANGE.search(item.value)] if found)
    elif isinstance(item.value, dict):
        for key, inner in item.value.items():
            yield from ((found.group(), item.keys.get(key, item.mark)) for found in [STRANGE.search(key)] if found)
            yield from escaped(inner)
    elif isinstance(item.value, list):
        for inner in item.value:
            yield from escaped(inner)

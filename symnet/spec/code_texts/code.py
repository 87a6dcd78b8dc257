"""What is known of a code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A kind of mistake: a title, what it means and how to mend it, and an example of wrong and right.

    `kind` says what the examples are: a whole `file` (or `json`, `toml`), lines of the sections `tensors` or
    `formulas`, top-level lines of a file (`section`), rows of a `table`, lines of `python`, or a `shell` command.
    """

    title: str
    text: str
    kind: str = ""
    wrong: str = ""
    right: str = ""

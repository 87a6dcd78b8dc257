"""One run of the command line: who listens, what was noted on the way, and how the answer or the failure is told."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from symnet.cli.answer import Answer, Table, parts
from symnet.cli.streams import lead_nowhere


class Call:
    """What is known before anything is parsed: the verb, whether JSON was asked for, and the texts that were read."""

    def __init__(self, arguments: Sequence[str], verbs: Collection[str]) -> None:
        self.verb = next((a for a in arguments if a in verbs), "")
        self.json = wants_json(arguments)
        self.sources: dict[str, str] = {}
        self.notes: list[Any] = []

    @property
    def schema(self) -> str:
        return f"symnet.{self.verb or 'symnet'}/1"

    # -- warnings

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Warnings of symnet are diagnostics; those of others are for developers."""
        from symnet.errors import SymnetWarning

        with warnings.catch_warnings():
            if not os.environ.get("SYMNET_DEBUG"):
                warnings.simplefilter("ignore")
            warnings.simplefilter("always", SymnetWarning)
            before, warnings.showwarning = warnings.showwarning, self.noted  # type: ignore[assignment]
            try:
                yield
            finally:
                warnings.showwarning = before

    def noted(self, message: Any, category: type, *rest: Any, **more: Any) -> None:
        """A warning: kept for the JSON object, else told at once."""
        from symnet.errors import Diagnostic

        note = Diagnostic("W0001", str(message), "warning")
        if any(known.message == note.message for known in self.notes):
            return
        self.notes.append(note)
        if not self.json:
            self.tell([note])

    # -- telling

    def give(self, answer: Answer) -> int:
        """Print an answer."""
        if self.json:
            self.print_json(self.envelope(answer.exit, answer.data, answer.event))
        else:
            for part in parts(answer):
                self.show(part)
        return answer.exit

    def envelope(
        self, code: int, data: Mapping[str, Any], event: str | None = None, found: Sequence[Any] = ()
    ) -> dict[str, Any]:
        """The object that `--json` prints, whatever happens."""
        head = {"schema": self.schema, **({} if event is None else {"event": event})}
        diagnostics = [note.as_dict() for note in (*self.notes, *found)]
        return {**head, "ok": code == 0, "exit": code, "data": dict(data), "diagnostics": diagnostics}

    def print_json(self, what: Mapping[str, Any]) -> None:
        """A line of JSON."""
        import json

        encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
        text = json.dumps(plain(what), ensure_ascii=encoding != "utf8", allow_nan=False)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def show(self, part: str | bytes | Table) -> None:
        """A piece of the answer on stdout."""
        if isinstance(part, bytes):
            sys.stdout.flush()
            sys.stdout.buffer.write(part)
        elif isinstance(part, Table) and is_terminal(sys.stdout):
            from symnet.cli.drawn import draw

            draw(part)
        elif part:
            text = part.plain() if isinstance(part, Table) else part
            sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def tell(self, found: Sequence[Any]) -> None:
        """Diagnostics on stderr, with the lines that they speak of."""
        from symnet.cli.diagnosed import told

        sys.stdout.flush()
        coloured = is_terminal(sys.stderr) and not os.environ.get("NO_COLOR")
        sys.stderr.write("".join(f"{told(note, self.sources, coloured)}\n" for note in found))

    def say(self, text: str) -> None:
        """A remark for people, which no program reads."""
        if not self.json:
            sys.stderr.write(text + "\n")

    # -- failing

    def failed(self, error: BaseException) -> int:
        """Tell what went wrong, and with which code to leave."""
        if isinstance(error, SystemExit):  # click's, when a shell has asked for completions
            return error.code if isinstance(error.code, int) else 0
        from symnet.cli.failures import failure

        code, found = failure(error)
        try:
            if self.json:
                event = "result" if self.verb == "train" else None
                self.print_json(self.envelope(code, {}, event, found))
            else:
                self.tell(found)
            sys.stdout.flush()
        except OSError:  # stdout is full, perhaps that is the failure: stderr may still take it
            lead_nowhere(1)
            with suppress(OSError):
                self.tell(found)
        return code


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON, even if the rest of it is wrong."""
    before = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    return "--json" in before or "--format=json" in before or "--format json" in " ".join(before)


def is_terminal(stream: Any) -> bool:
    """Whether a person looks at a stream."""
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


def plain(value: Any) -> Any:
    """A value as JSON has it: NumPy's scalars and arrays as Python's, numbers that are not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if value - value == 0 else None
    return str(value)

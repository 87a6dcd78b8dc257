"""What is told while training: a bar on a terminal, a line for each epoch elsewhere, JSON lines for programs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from symnet.cli.call import Call

Event = Mapping[str, Any]
Tell = Callable[[Event], None]
QUIET = 1.0  # seconds between two lines where nobody watches, at least


@contextmanager
def listener(call: Call, watched: bool) -> Iterator[Tell]:
    """Who is told of what happens."""
    if call.json:
        yield JsonLines(call)
    elif watched:
        with bar() as tell:
            yield tell
    else:
        yield Lines()


class JsonLines:
    """A line for each event but the last one, which the answer is."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def __call__(self, event: Event) -> None:
        if event["event"] not in ("progress", "result"):
            self.call.print_json(event)


class Lines:
    """Plain lines on stderr, about one a second at most, and one for the last epoch."""

    def __init__(self) -> None:
        self.last = -QUIET

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        if event["event"] == "start":
            sys.stderr.write(start_text(event) + "\n")
        elif event["event"] == "epoch" and (now - self.last >= QUIET or event["epoch"] == event["epochs"]):
            self.last = now
            sys.stderr.write(f"epoch {event['epoch']}/{event['epochs']}  {values_text(event)}\n")
        sys.stderr.flush()


@contextmanager
def bar() -> Iterator[Tell]:
    """A bar with the latest values, drawn by rich."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR")), highlight=False)
    columns = TextColumn("{task.description}"), BarColumn(bar_width=12), TextColumn("{task.fields[values]}")
    with Progress(*columns, console=console, transient=False) as progress:
        task = progress.add_task("preparing", total=None, values="")

        def tell(event: Event) -> None:
            if event["event"] == "start":
                console.print(start_text(event), markup=False)
            elif event["event"] in ("epoch", "progress"):
                share = event.get("share", 1.0)
                values = short_text(event) if event["event"] == "epoch" else progress.tasks[task].fields["values"]
                progress.update(
                    task,
                    description=f"epoch {event['epoch']}/{event['epochs']}",
                    total=event["epochs"],
                    completed=event["epoch"] - 1 + share,
                    values=values or short_text(event),
                )

        yield tell


def start_text(event: Event) -> str:
    """What is about to be trained."""
    rows = [f"{event['rows']} rows"]
    rows += [f"{event[name]} for {name}" for name in ("validation", "test") if event[name]]
    head = "going on with" if event["resumed"] else "training"
    at = f", from epoch {event['epoch'] + 1}" if event["resumed"] else ""
    return f"{head} {event['model']}: {', '.join(rows)}, batches of {event['batch']}{at}"


def values_of(event: Event) -> dict[str, float]:
    """The loss and the metrics."""
    left_out = ("event", "epoch", "epochs", "steps", "schema", "seconds", "share")
    return {k: v for k, v in event.items() if k not in left_out and isinstance(v, (int, float))}


def values_text(event: Event) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in values_of(event).items())


def short_text(event: Event) -> str:
    """As much as stands beside a bar: of metrics those of the rows that are held out, where there are any."""
    found = values_of(event)
    held = any(name.startswith("val_") for name in found)
    shown = {name: value for name, value in found.items() if not held or name == "loss" or name.startswith("val_")}
    return "  ".join(f"{name} {value:.3g}" for name, value in shown.items())

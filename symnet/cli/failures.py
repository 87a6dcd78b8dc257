"""Errors to exit codes and diagnostics. What nobody foresaw is a bug: its traceback goes to a file."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import click

STOPPED = 130
BUG = 3
MISSING = 4
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # a write tells no name of a file


def failure(error: BaseException) -> tuple[int, list[Any]]:
    """The exit code, and what is to be said."""
    from symnet.errors import Diagnostic, Diverged, LocatedError, MissingPart, SymnetError

    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        stopped = error.__cause__ or error  # click makes an Abort of it
        hint = "; ".join(str(said) for said in stopped.args if said)
        return STOPPED, [Diagnostic("E0608", "stopped by Ctrl-C", hint=hint)]
    if isinstance(error, LocatedError):
        return 2, list(error.diagnostics)
    if isinstance(error, SymnetError):
        code = MISSING if isinstance(error, MissingPart) else 1 if isinstance(error, Diverged) else 2
        return code, [Diagnostic(error.code, error.message, hint=error.hint)]
    if isinstance(error, click.ClickException):
        return 2, [usage(error)]
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        message = f"{str(error.filename)!r}: {(error.strerror or 'it cannot be used').lower()}"
        return 2, [Diagnostic("E0607", message, hint="see whether it is there, and who may write to it")]
    if isinstance(error, OSError) and error.errno in FULL:
        message = f"what is to be written has no room: {os.strerror(error.errno).lower()}"
        return 2, [Diagnostic("E0607", message, hint="make room, or write to another place")]
    return BUG, [bug(error)]


# -- the command line


def usage(error: click.ClickException) -> Any:
    """What click found wrong, with a hint."""
    from symnet.errors import Diagnostic

    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "symnet"
    hint = getattr(error, "hint", "") or suggestion(error) or f"see {path} --help"
    code = {"BadParameter": "E0602", "MissingParameter": "E0603"}.get(type(error).__name__, "E0601")
    return Diagnostic(code, message_of(error), hint=hint)


def message_of(error: click.ClickException) -> str:
    """Click's message in symnet's manner: no capital, no full stop."""
    if isinstance(error, click.NoSuchOption):
        return f"there is no option {error.option_name!r}"
    if isinstance(error, click.MissingParameter):
        return missing(error)
    text = error.format_message().strip().rstrip(".")
    return text[:1].lower() + text[1:] if not text[:2].isupper() else text


def missing(error: click.MissingParameter) -> str:
    """Which argument or option is missing, and what it is."""
    if error.param is None:
        return "an argument is missing"
    name = error.param.make_metavar(error.ctx) if error.ctx is not None else str(error.param.name)
    return f"{name} is missing" if isinstance(error.param, click.Argument) else f"the option {name} is missing"


def suggestion(error: click.ClickException) -> str:
    near = getattr(error, "possibilities", None)
    return f"did you mean {' or '.join(sorted(near)[:2])}?" if near else ""


# -- bugs


def bug(error: BaseException) -> Any:
    """A failure that no user can have caused: what to report, and with what."""
    import traceback

    from symnet.errors import Diagnostic

    story = "".join(traceback.format_exception(error))
    if os.environ.get("SYMNET_DEBUG"):
        sys.stderr.write(story)
        where = "the traceback is above"
    else:
        where = kept(story)
    message = f"this is a bug in symnet, not a mistake of yours: {type(error).__name__}: {str(error)[:200]}"
    return Diagnostic("E0699", message, hint=f"{where}; please report it, with that text, where you got symnet from")


def kept(story: str) -> str:
    """The traceback in a file; what was asked for stands above it."""
    import tempfile

    head = f"symnet {' '.join(sys.argv[1:])}\npython {sys.version}\n\n"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="symnet-bug-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(head + story)
    except OSError:
        return "SYMNET_DEBUG=1 shows the traceback"
    return f"the traceback is in {file.name}"

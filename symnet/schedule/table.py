"""A schedule as a table of HTML: kernel by kernel what runs, how large it is, what it costs and why."""

from __future__ import annotations

from html import escape

import sympy as sp

from symnet.schedule.report import Planned, Report, Row

HEAD = ("", "kernel", "size", "flops", "bytes", "computes")


def schedule_table(plan: Planned) -> str:
    """The kernels of a schedule; a bar shows each one's share of the flops."""
    report = Report(plan)
    rows = [report.row(at, kernel) for at, kernel in enumerate(report.kernels)]
    costs = [counted(plan, row) for row in rows]
    total = sum(costs)
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    lines = [
        _line(at, row, cost / total if total else 0.0) for at, (row, cost) in enumerate(zip(rows, costs, strict=True))
    ]
    flops = report.counted(sp.expand(sp.Add(*[row.flops for row in rows])))
    moved = report.counted(sp.expand(sp.Add(*[row.bytes for row in rows])))
    said = f"{len(rows)} kernels; flops {flops}; bytes {moved}".replace("*", "·")
    foot = f'<tr><td colspan="6">{escape(said)}</td></tr>'
    body = "\n".join(lines)
    return (
        f'<table class="schedule"><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody><tfoot>{foot}</tfoot></table>'
    )


def counted(plan: Planned, row: Row) -> int:
    """The flops of a kernel at the sizes that are known; sizes that are not count one."""
    amount = row.flops.xreplace(dict(plan.sizes))
    return int(amount.xreplace(dict.fromkeys(amount.free_symbols, sp.S.One)))


def _line(at: int, row: Row, share: float) -> str:
    notes = f"<br/><small>{escape('; '.join(row.notes))}</small>" if row.notes else ""
    bar = (
        f'<span class="bar" style="display:inline-block;height:.5em;width:{3 * share:.2f}em;background:#7f9fbf"></span>'
    )
    size, flops, moved = (escape(text.replace("*", "·").replace(" x ", " × ")) for text in row.costs)
    short = "".join(
        f'<td style="text-align:left;white-space:nowrap">{cell}</td>'
        for cell in (str(at + 1), row.kind, size, f"{flops} {bar}", moved)
    )
    return f'<tr>{short}<td style="text-align:left">{escape(row.made)}{notes}</td></tr>'

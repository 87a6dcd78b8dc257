"""Programs as people read them: in notebooks and at the prompt."""

from __future__ import annotations

from symnet.core.definition import Program
from symnet.show.latex import latex_program
from symnet.show.text import text_program


class ShownProgram(Program):
    """A program that prints itself in the order in which people write."""

    def __str__(self) -> str:
        return text_program(self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {latex_program(self, 'katex')}$"

"""Formulas as MathML, which browsers draw by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as Tree

from latex2mathml.converter import convert

NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'
FUNCTIONS = frozenset(("log", "exp", "sin", "cos", "tan", "tanh", "cosh", "sinh"))
EXTREMES = frozenset(("max", "min", "argmax", "argmin"))
BAR = "border-top:.055em solid;padding-top:.1em"
# browsers know no mathvariant but "normal": what is bold has characters of its own
BOLD = {
    ord(first) + at: bold + at
    for first, bold, count in (("0", 0x1D7CE, 10), ("A", 0x1D400, 26), ("a", 0x1D41A, 26))
    for at in range(count)
}
BARS, PRIME = ("\u00af", "\u2015"), "\u2032"


def mathml(latex: str, block: bool = False) -> str:
    """LaTeX of ours as MathML, with words as words, and with space after the names of functions."""
    text: str = convert(latex, display="block" if block else "inline")
    root = Tree.fromstring(text.replace(NAMESPACE, "", 1))
    for element in list(root.iter()):
        element[:] = list(spaced(words(list(element))))
        if element.get("mathvariant") == "bold" and element.text:
            element.text = element.text.translate(BOLD)
            del element.attrib["mathvariant"]
        if element.tag == "mover" and element[1].text in BARS:
            barred(element)
        elif element.tag == "msup" and element[1].text == PRIME:
            element[1].set("style", "font-size:.95em")
    return Tree.tostring(root, encoding="unicode", short_empty_elements=False)


def barred(element: Tree.Element) -> None:
    """A bar drawn as wide as what it covers: faces differ too much in their own."""
    element.tag, element[:] = "mrow", [element[0]]
    element.set("style", BAR)


def words(children: list[Tree.Element]) -> Iterator[Tree.Element]:
    """Children with rows of upright letters as one word, and words that came as operators as names."""
    row: Tree.Element | None = None
    for child in children:
        upright = child.tag == "mi" and child.get("mathvariant") == "normal" and len(child.text or "") == 1
        if upright and row is not None:
            row.text = (row.text or "") + (child.text or "")
            row.attrib.clear()
            continue
        row = child if upright else None
        if child.tag == "mo" and len(child.text or "") > 1 and (child.text or "").isalpha():
            child.tag = "mi"
            child.attrib.clear()
        yield child


def spaced(children: list[Tree.Element] | Iterator[Tree.Element]) -> Iterator[Tree.Element]:
    """Children with a little space between a function's name and what follows without a bracket."""
    before: Tree.Element | None = None
    for child in children:
        if before is not None and is_name(before) and child.text not in ("(", "["):
            yield Tree.Element("mspace", width="0.17em")
        yield child
        before = child


def is_name(element: Tree.Element) -> bool:
    """Whether something is the name of a function, or an extreme with its indices, which stand below it."""
    if element.tag == "msub" and len(element) and element[0].text in EXTREMES:
        element.tag = "munder"
        return True
    return (element.tag == "munder" and element[0].text in EXTREMES) or element.text in FUNCTIONS

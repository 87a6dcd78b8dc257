"""Source text with its words marked, as HTML whose classes the page's style sheet colours."""

from __future__ import annotations

from html import escape

from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

LONGEST = 160_000  # characters that are marked; what is longer is shown plain, up to MOST
MOST = 600_000


def marked(text: str, language: str) -> str:
    """The lines of a source between `pre` tags; everything in it is escaped."""
    if len(text) > LONGEST:
        left = f"\n... {len(text) - MOST:,} more characters" if len(text) > MOST else ""
        return f'<pre class="code">{escape(text[:MOST])}{left}</pre>'
    body: str = highlight(text, _lexer(language), HtmlFormatter(nowrap=True))
    return f'<pre class="code">{body}</pre>'


def _lexer(language: str) -> object:
    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return TextLexer()

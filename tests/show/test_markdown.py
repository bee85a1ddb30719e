"""Values of strangers in Markdown: what is rendered is the text itself, and nothing else."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from postproc.show.documents import code, inline
from postproc.show.terminal import clean

RENDER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = (
    "<script>alert(1)</script>",
    "![x](http://evil.example/p.png)",
    "[click](javascript:alert(1))",
    "<http://evil.example>",
    "**bold** _it_ `code` ~~gone~~ | a | b |",
    "$\\href{javascript:alert(1)}{x}$ \\(x\\)",
    "a\n\n# heading\n- item\n1. one",
    "www.evil.example and me@evil.example",
    "&lt;b&gt; &amp; &#x41;",
    "\x1b[2J\u202eevil\x00",
)


def shown(markdown):
    """What a reader sees, and the tags he does not."""
    page = RENDER.render(markdown)
    return html.unescape(re.sub(r"<[^>]*>", "", page)).strip(), set(re.findall(r"<[^>]*>", page))


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_of_strangers_is_text(text):
    seen, tags = shown(f"said: {inline(text)} end")
    assert seen == f"said: {clean(text)} end"
    assert tags <= {"<p>", "</p>", "<code>", "</code>"}
    seen, tags = shown(f"# {code(text)}")
    assert seen == clean(text)
    assert tags == {"<h1>", "</h1>", "<code>", "</code>"}


@given(st.text(max_size=60))
def test_any_text_is_shown_as_it_is(text):
    seen, tags = shown(f"said: {inline(text)} end")
    assert seen == f"said: {clean(text)} end"
    assert tags <= {"<p>", "</p>", "<code>", "</code>"}


def test_formulas_and_links_have_nothing_to_hold_on_to():
    """MathJax looks for $ and backslashes outside code, GFM for addresses, even without brackets."""
    prose = re.sub(r"<code>.*?</code>", "", html.unescape(inline("$x$ \\(y\\) \\begin{z}")))
    assert "$" not in prose
    assert "\\" not in prose
    assert not re.search(r"https?:|www\.|@", inline("http://a.b www.a.b c@d.e"))


def test_prose_stays_legible():
    assert inline("No Binding Success: 17 of 17 requests, 5 % lost (leg 1).") == (
        "No Binding Success: 17 of 17 requests, 5 % lost (leg 1)."
    )

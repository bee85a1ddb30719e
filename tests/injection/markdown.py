"""What a reader of Markdown would make of a text."""

import re

from markdown_it import MarkdownIt

RENDER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PLAIN_TAGS = {"p", "code", "ul", "li", "strong", "em", "table", "thead", "tbody", "tr", "th", "td"}
PLAIN_TAGS |= {"h1", "h2", "h3", "h4"}
LINK = re.compile(r"https?://|www\.\w", re.IGNORECASE)  # GitHub makes a link of these without being asked


def tags(markdown: str) -> set[str]:
    """The elements that it becomes."""
    return set(re.findall(r"</?(\w+)", RENDER.render(markdown)))

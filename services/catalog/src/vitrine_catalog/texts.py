"""What the catalogue makes of the texts it is given: slugs, and HTML that is safe to show."""

import nh3
from slugify import slugify
from vitrine_kit.asgi import run_blocking

MAX_SLUG_CHARS = 100
"""Longest slug made from a title; a suffix that makes it unique comes on top."""

_LARGE_HTML_CHARS = 5_000
"""From here on cleaning takes longer than a thread switch (about 0.1 ms), so it leaves the event loop."""

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "div",
    "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd",
    "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "table", "tbody",
    "td", "tfoot", "th", "thead", "tr", "u", "ul", "var",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title", "hreflang"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start", "type", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "*": {"lang", "dir"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}


def slug_of(text: str, fallback: str) -> str:
    """Return the slug for a title: lower-case ASCII words joined by hyphens, cut at a word's end.

    Args:
        text: the title or name; any script, transliterated.
        fallback: the answer where nothing of the text can be written in ASCII ("product", "category").
    """
    return slugify(text, max_length=MAX_SLUG_CHARS, word_boundary=True, save_order=True) or fallback


def sanitised(html: str) -> str:
    """Return the HTML without anything that could run, load styles or leave its place.

    Scripts, event handlers, styles, forms and frames are dropped, links get `rel="noopener noreferrer"`,
    and addresses are limited to http, https, mailto and tel. Cleaning twice changes nothing.
    It computes: in an async function use `sanitised_off_loop`.
    """
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
        clean_content_tags={"script", "style"},
    )


async def sanitised_off_loop(html: str) -> str:
    """Return `sanitised(html)`; a large text is cleaned in a thread, so that it holds up no other request."""
    if len(html) < _LARGE_HTML_CHARS:
        return sanitised(html)
    return await run_blocking(sanitised, html)

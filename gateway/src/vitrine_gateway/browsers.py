"""How a browser that introduced itself by a User-Agent header is named to its owner."""

from __future__ import annotations

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
"""What a header holds and who it is; most name others as well, so the first that fits counts."""
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def name_of(user_agent: str | None) -> str:
    """`Firefox on Linux`; what is no browser we know by its own word, without what follows.

    It is for people to recognise, and nothing else: anybody may send any header.
    """
    text = (user_agent or "").strip()
    browser = next((name for mark, name in BROWSERS if mark in text), None)
    if browser is None:
        return text.split(" ")[0] or "Unknown device"
    system = next((name for mark, name in SYSTEMS if mark in text), None)
    return browser if system is None else f"{browser} on {system}"

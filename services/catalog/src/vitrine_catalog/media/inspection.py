"""Looks into an uploaded picture and writes it anew, so that only pixels remain of it; it stores nothing.

What is kept is encoded afresh. Metadata (places, people, thumbnails) and whatever hides behind or inside the picture
do not survive it. All of it computes: it runs in a thread, one picture at a time.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from vitrine_kit.pictures import (
    MAX_PIXELS,
    METADATA,
    UnusablePicture,
    has_alpha,
    opened,
    upright,
)

__all__ = ["FORMATS", "MAX_FRAMES", "MAX_PIXELS", "Inspected", "UnusablePicture", "inspect"]

MAX_FRAMES = 300
MAX_ANIMATION_PIXELS = 300_000_000
"""Largest animation: the pixels of all its frames."""

_ANIMATED = {"GIF", "WEBP"}


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of picture that is taken, and how it is written."""

    media_type: str
    suffix: str
    modes: tuple[str, ...]
    options: dict[str, Any]


FORMATS: dict[str, Format] = {
    "JPEG": Format("image/jpeg", "jpg", ("RGB", "L"), {"quality": 90, "optimize": True, "progressive": True}),
    "PNG": Format("image/png", "png", ("RGB", "RGBA", "L", "LA", "P", "1"), {"compress_level": 6}),
    "WEBP": Format("image/webp", "webp", ("RGB", "RGBA"), {"quality": 90, "method": 4}),
    "GIF": Format("image/gif", "gif", ("P", "L", "RGB", "RGBA"), {}),
    "AVIF": Format("image/avif", "avif", ("RGB", "RGBA"), {"quality": 80, "speed": 8}),
}


@dataclass(frozen=True, slots=True)
class Inspected:
    """A picture written anew."""

    path: Path
    media_type: str
    file_name: str
    """Where it belongs below the media root: named by its content, so that equal pictures share a file."""
    width: int
    height: int
    size_bytes: int


def inspect(source: Path, target: Path) -> Inspected:
    """Decode the picture in `source` and encode it anew into `target`.

    Raises:
        UnusablePicture: it is no picture of a known kind, broken, or larger than the limits.
    """
    with opened(source) as image:
        return _encode(image, target)


def _encode(image: Image.Image, target: Path) -> Inspected:
    kind = FORMATS[str(image.format)]
    options = dict(kind.options)
    if str(image.format) in _ANIMATED and _frames(image) > 1:
        picture = image
        options["save_all"] = True
    else:
        picture = upright(image)
        if picture.mode not in kind.modes:
            picture = picture.convert("RGBA" if "RGBA" in kind.modes and has_alpha(picture) else "RGB")
    # Stripped here, because saving copies them from `info` otherwise.
    for name in METADATA:
        picture.info.pop(name, None)
    picture.save(target, format=image.format, **options)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Inspected(
        path=target,
        media_type=kind.media_type,
        file_name=f"{digest[:2]}/{digest[2:4]}/{digest}.{kind.suffix}",
        width=picture.width,
        height=picture.height,
        size_bytes=target.stat().st_size,
    )


def _frames(image: Image.Image) -> int:
    """Count the frames, and stop where there are too many: the count in the file's head may lie."""
    frames = 1
    try:
        while True:
            image.seek(frames)
            frames += 1
            if frames > MAX_FRAMES or frames * image.width * image.height > MAX_ANIMATION_PIXELS:
                raise UnusablePicture("The animation is too long or too large.")
    except EOFError:
        image.seek(0)
    return frames

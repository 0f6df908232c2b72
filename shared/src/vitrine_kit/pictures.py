"""Reads pictures that strangers send: what kinds are taken, how large, and what makes one unusable; keeps nothing.

Files are never believed: the kind is found by decoding, and bombs are refused by their measures before they are
decoded. A service that uses this requires Pillow itself. All of it computes: call it in a thread, within
`one_at_a_time`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from weakref import WeakKeyDictionary

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

MAX_PIXELS = 40_000_000
"""Largest picture, in pixels: 160 MB when it is decoded."""
MAX_SIDE_PIXELS = 20_000
KINDS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
METADATA = ("exif", "icc_profile", "xmp", "comment", "photoshop")
"""What Pillow would copy from a picture's `info` into what it saves."""

_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class UnusablePicture(Exception):
    """The file is no picture that is taken here; the message says why, for the person who sent it."""


def one_at_a_time() -> asyncio.Semaphore:
    """What to hold while a picture is decoded: a large one takes some 200 MB, so a process decodes one at once."""
    return _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(1))


@contextmanager
def opened(source: Path | BinaryIO) -> Iterator[Image.Image]:
    """The picture in `source`, of a kind and of measures that are taken, to be decoded within the block.

    Raises:
        UnusablePicture: it is no picture of a known kind, broken (also when the block finds that), or too large.
    """
    try:
        with Image.open(source, formats=list(KINDS)) as image:
            if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE_PIXELS:
                raise UnusablePicture(
                    f"The picture is {image.width} × {image.height}; it may have at most {MAX_PIXELS:,} pixels."
                )
            yield image
    except UnidentifiedImageError:
        raise UnusablePicture("This is no picture. Send JPEG, PNG, WebP, GIF or AVIF.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnusablePicture(f"The picture has more than {MAX_PIXELS:,} pixels.") from None
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        IndexError,
        TypeError,
        OverflowError,
        MemoryError,
    ) as error:
        # What Pillow's decoders raise on broken data, which is more than it documents.
        raise UnusablePicture(f"The picture is broken ({type(error).__name__}).") from None


def upright(image: Image.Image) -> Image.Image:
    """The picture as it is meant to be seen: turned as its EXIF says, its colours in sRGB."""
    turned = ImageOps.exif_transpose(image)
    profile = turned.info.get("icc_profile")
    return _to_srgb(turned, profile) if profile else turned


def has_alpha(image: Image.Image) -> bool:
    """Whether parts of the picture may be seen through."""
    return image.mode in {"RGBA", "LA", "PA", "RGBa"} or "transparency" in image.info


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        mode = "RGBA" if image.mode in {"RGBA", "LA", "PA"} else "RGB"
        if image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
            image = image.convert(mode)
        converted = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        # A profile that does not fit the picture: browsers ignore it too.
        return image
    return converted if converted is not None else image

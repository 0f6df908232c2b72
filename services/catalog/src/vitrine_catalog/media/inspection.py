"""Looks into an uploaded picture and writes it anew, so that only pixels remain of it; it stores nothing.

Files are never believed: the kind is found by decoding, and what is kept is encoded afresh. Metadata (places,
people, thumbnails) and whatever hides behind or inside the picture do not survive it.
All of it computes: it runs in a thread, one picture at a time.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 40_000_000
"""Largest picture, in pixels: 160 MB when it is decoded."""

MAX_SIDE_PIXELS = 20_000
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


class UnusablePicture(Exception):
    """The file is no picture that is taken here; the message says why, for the person who sent it."""


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
        UnusablePicture: it is no picture of a known kind, broken, or larger than the limits above.
    """
    try:
        with Image.open(source, formats=list(FORMATS)) as image:
            return _encode(image, target)
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


def _encode(image: Image.Image, target: Path) -> Inspected:
    kind = FORMATS[str(image.format)]
    _check_size(image)
    options = dict(kind.options)
    if str(image.format) in _ANIMATED and _frames(image) > 1:
        picture = image
        options["save_all"] = True
    else:
        picture = _upright(image)
        if picture.mode not in kind.modes:
            picture = picture.convert("RGBA" if "RGBA" in kind.modes and _has_alpha(picture) else "RGB")
    # Stripped here, because saving copies them from `info` otherwise.
    for name in ("exif", "icc_profile", "xmp", "comment", "photoshop"):
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


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE_PIXELS:
        raise UnusablePicture(
            f"The picture is {image.width} × {image.height}; it may have at most {MAX_PIXELS:,} pixels."
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


def _upright(image: Image.Image) -> Image.Image:
    """Return the picture as it is meant to be seen, with its colours in sRGB."""
    turned = ImageOps.exif_transpose(image)
    profile = turned.info.get("icc_profile")
    return _to_srgb(turned, profile) if profile else turned


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    from io import BytesIO

    from PIL import ImageCms

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


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in {"RGBA", "LA", "PA", "RGBa"} or "transparency" in image.info

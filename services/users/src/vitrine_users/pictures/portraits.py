"""Makes a person's picture of what they sent: a small square of nothing but pixels; knows no account."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageOps
from vitrine_kit.pictures import METADATA, has_alpha, opened, upright

SIDE_PIXELS = 256
MEDIA_TYPE = "image/webp"


def portrait_of(data: bytes) -> bytes:
    """The middle of the picture as a square WebP, turned upright, without metadata; of an animation the first frame.

    Blocks for as long as decoding takes.

    Raises:
        UnusablePicture: it is no picture of a known kind, broken, or too large; says why.
    """
    with opened(BytesIO(data)) as image:
        # A JPEG need not be decoded at its full size to become small.
        image.draft("RGB", (SIDE_PIXELS * 2, SIDE_PIXELS * 2))
        seen = upright(image)
        picture = seen.convert("RGBA" if has_alpha(seen) else "RGB")
        small = ImageOps.fit(picture, (SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.LANCZOS)
        for name in METADATA:
            small.info.pop(name, None)
        written = BytesIO()
        small.save(written, format="WEBP", quality=85, method=4)
        return written.getvalue()

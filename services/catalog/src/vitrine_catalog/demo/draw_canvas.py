"""The drawing surface of the demo pictures: colours, smooth shapes, light and shadow; knows no product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIZE = 1200
SCALE = 2
"""Everything is drawn this much larger and scaled down, which smooths every edge."""

FLOOR_Y = 850.0
"""Where the wall ends and the surface begins."""

Point = tuple[float, float]
Colour = tuple[int, int, int]


def rgb(text: str) -> Colour:
    """A colour of its notation `#rrggbb`."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """The colour that has this share of the other."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return r, g, b


def light(colour: Colour, share: float = 0.15) -> Colour:
    """The colour in more light: warmer towards cream."""
    return mix(colour, (255, 251, 240), share)


def dark(colour: Colour, share: float = 0.18) -> Colour:
    """The colour in shadow: towards a deep warm blue, never black."""
    return mix(colour, (38, 32, 52), share)


def smooth(points: Sequence[Point], *, closed: bool = True, steps: int = 14) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    count = len(points)
    found: list[Point] = []
    for n in range(count if closed else count - 1):
        p0, p1, p2, p3 = (
            points[(n + k) % count] if closed else points[min(max(n + k, 0), count - 1)]
            for k in (-1, 0, 1, 2)
        )
        for step in range(steps):
            t = step / steps
            x, y = (
                0.5
                * (
                    2 * p1[i]
                    + (p2[i] - p0[i]) * t
                    + (2 * p0[i] - 5 * p1[i] + 4 * p2[i] - p3[i]) * t**2
                    + (3 * p1[i] - p0[i] - 3 * p2[i] + p3[i]) * t**3
                )
                for i in (0, 1)
            )
            found.append((x, y))
    if not closed:
        found.append(points[-1])
    return found


def ring(cx: float, cy: float, rx: float, ry: float, start: float = 0, end: float = 360) -> list[Point]:
    """Points on an ellipse from one angle to another, in degrees clockwise from the right."""
    steps = max(int(abs(end - start) / 4), 2)
    angles = (math.radians(start + (end - start) * n / steps) for n in range(steps + 1))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def rounded(x: float, y: float, width: float, height: float, radius: float) -> list[Point]:
    """The outline of a rectangle with round corners."""
    corners = (
        (x + width - radius, y + radius, -90),
        (x + width - radius, y + height - radius, 0),
        (x + radius, y + height - radius, 90),
        (x + radius, y + radius, 180),
    )
    return [point for cx, cy, start in corners for point in ring(cx, cy, radius, radius, start, start + 90)]


class Layer:
    """A transparent sheet to draw on; coordinates run from 0 to 1200, whatever the scale."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (SIZE * SCALE, SIZE * SCALE), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)

    def fill(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """Fill an outline."""
        if alpha >= 1:
            self._draw.polygon(_scaled(points), fill=(*colour, 255))
            return
        sheet = Image.new("RGBA", self.image.size, (*colour, 0))
        sheet.putalpha(self.mask(points).point(lambda value: round(value * alpha)))
        self.image.alpha_composite(sheet)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw an open line with round ends."""
        scaled = _scaled(points)
        self._draw.line(scaled, fill=(*colour, 255), width=round(width * SCALE), joint="curve")
        r = width * SCALE / 2
        for x, y in (scaled[0], scaled[-1]):
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=(*colour, 255))

    def mask(self, points: Sequence[Point]) -> Image.Image:
        """The outline as a mask of the whole sheet."""
        found = Image.new("L", self.image.size, 0)
        ImageDraw.Draw(found).polygon(_scaled(points), fill=255)
        return found

    def shade(
        self,
        points: Sequence[Point],
        stops: Sequence[Colour],
        *,
        vertical: bool = False,
        within: Image.Image | None = None,
    ) -> Image.Image:
        """Fill an outline with a run of colours, from left to right or top to bottom; return its mask."""
        scaled = _scaled(points)
        left, top = (math.floor(min(values)) for values in zip(*scaled, strict=True))
        width, height = (math.ceil(max(values) - min(values)) + 2 for values in zip(*scaled, strict=True))
        own = Image.new("L", (width, height), 0)
        ImageDraw.Draw(own).polygon([(x - left, y - top) for x, y in scaled], fill=255)
        strip = gradient(stops, vertical=vertical).resize((width, height), Image.Resampling.BICUBIC)
        if within is not None:
            own = ImageChops.multiply(own, within.crop((left, top, left + width, top + height)))
        self.image.paste(strip, (left, top), own)
        if within is not None:
            return within
        whole = Image.new("L", self.image.size, 0)
        whole.paste(own, (left, top))
        return whole

    def clip(self, mask: Image.Image) -> None:
        """Keep only what lies within the mask."""
        self.image.putalpha(ImageChops.multiply(self.image.getchannel("A"), mask))

    def turn(self, degrees: float, centre: Point = (SIZE / 2, SIZE / 2)) -> Layer:
        """The sheet turned clockwise."""
        turned = Layer()
        turned.image = self.image.rotate(
            -degrees, Image.Resampling.BICUBIC, center=(centre[0] * SCALE, centre[1] * SCALE)
        )
        turned._draw = ImageDraw.Draw(turned.image)
        return turned


class Scene(Layer):
    """A picture: a lit background, and things put on it with their shadows."""

    def __init__(self, wall: Colour) -> None:
        super().__init__()
        self.wall = wall
        whole = [(0, 0), (SIZE, 0), (SIZE, SIZE), (0, SIZE)]
        self.shade(whole, [light(wall, 0.22), wall, dark(wall, 0.05)], vertical=True)

    def floor(self, colour: Colour, y: float = FLOOR_Y) -> None:
        """A surface to stand things on."""
        self.shade(
            [(0, y), (SIZE, y), (SIZE, SIZE), (0, SIZE)],
            [light(colour, 0.1), dark(colour, 0.06)],
            vertical=True,
        )

    def sun(self, colour: Colour, cx: float = 600, cy: float = 520, radius: float = 380) -> None:
        """A disc behind things."""
        self.shade(ring(cx, cy, radius, radius), [light(colour, 0.12), colour], vertical=True)

    def arch(self, colour: Colour, width: float = 640, top: float = 170, foot: float = FLOOR_Y) -> None:
        """A niche behind things."""
        r = width / 2
        points = [*ring(600, top + r, r, r, 180, 360), (600 + r, foot), (600 - r, foot)]
        self.shade(points, [dark(colour, 0.08), colour, light(colour, 0.08)])

    def beam(self, alpha: float = 0.16) -> None:
        """Light that falls through a window from the left."""
        sheet = Layer()
        for x, width in ((140, 250), (430, 250)):
            sheet.fill(
                [(x, 0), (x + width, 0), (x + width + 420, FLOOR_Y), (x + 420, FLOOR_Y)], (255, 248, 230)
            )
        self._tint(sheet.image.getchannel("A"), (255, 248, 230), alpha, blur=7)

    def ground(self, cx: float, cy: float, rx: float, ry: float, alpha: float = 0.34) -> None:
        """The soft shadow under something that stands; it falls a little to the right."""
        for dx, grow, blur, share in ((rx * 0.16, 1.12, 26, 0.55), (0, 1.0, 9, 0.6)):
            shape = self.mask(ring(cx + dx, cy, rx * grow, ry * grow))
            self._tint(shape, dark(self.wall, 0.75), alpha * share, blur=blur)

    def glow(self, cx: float, cy: float, radius: float, colour: Colour, alpha: float = 0.5) -> None:
        """Light around a lamp or a flame."""
        self._tint(self.mask(ring(cx, cy, radius * 0.5, radius * 0.5)), colour, alpha, blur=radius * 0.24)

    def put(self, layer: Layer) -> None:
        """Lay a sheet on without a shadow."""
        self.image.alpha_composite(layer.image)

    def lay(self, layer: Layer, *, height: float = 14, alpha: float = 0.3) -> None:
        """Lay something flat on the surface, with the shadow of something `height` thick."""
        shape = ImageChops.offset(
            layer.image.getchannel("A"), round(height * 0.7 * SCALE), round(height * SCALE)
        )
        self._tint(shape, dark(self.wall, 0.75), alpha, blur=height * 0.75)
        self.image.alpha_composite(layer.image)

    def _tint(self, shape: Image.Image, colour: Colour, alpha: float, *, blur: float) -> None:
        """Lay a colour over a shape with soft edges."""
        # Softened at a quarter of the size: nobody sees the difference, and it takes a tenth of the time.
        small = shape.resize((SIZE * SCALE // 4, SIZE * SCALE // 4), Image.Resampling.BOX)
        small = small.point([round(value * alpha) for value in range(256)])
        small = small.filter(ImageFilter.GaussianBlur(blur * SCALE / 4))
        sheet = Image.new("RGBA", self.image.size, (*colour, 0))
        sheet.putalpha(small.resize(self.image.size, Image.Resampling.BICUBIC))
        self.image.alpha_composite(sheet)

    def finished(self, *, zoom: float = 1.0, centre: Point = (600, 600)) -> Image.Image:
        """The picture at its size; with `zoom` only the part around the centre."""
        half = SIZE / 2 / zoom
        cx, cy = (min(max(value, half), SIZE - half) for value in centre)
        box = ((cx - half) * SCALE, (cy - half) * SCALE, (cx + half) * SCALE, (cy + half) * SCALE)
        return self.image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS, box=box)


def gradient(stops: Sequence[Colour], *, vertical: bool) -> Image.Image:
    """A strip that runs through the colours."""
    pixels: list[Colour] = []
    for one, other in pairwise(stops):
        pixels += [mix(one, other, n / 64) for n in range(64)]
    pixels.append(stops[-1])
    strip = Image.new("RGB", (len(pixels), 1))
    strip.putdata(pixels)
    return strip.rotate(-90, expand=True) if vertical else strip


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * SCALE, y * SCALE) for x, y in points]

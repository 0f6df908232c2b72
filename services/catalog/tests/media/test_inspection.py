"""Pictures are decoded and written anew: hostile ones are refused, and nothing hidden survives."""

import contextlib
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from vitrine_catalog.media.inspection import MAX_FRAMES, MAX_PIXELS, UnusablePicture, inspect

SECRET = b"<script>alert('hidden')</script>"


def written(tmp_path: Path, data: bytes) -> tuple[Path, Path]:
    source = tmp_path / "source"
    source.write_bytes(data)
    return source, tmp_path / "target"


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims to be this large and holds almost nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"not a picture at all",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.4",
        b"\xff\xd8\xff\xe0" + b"\0" * 50,
        png_header(10, 10),
        png_header(MAX_PIXELS, 2),
        png_header(8_000, 8_000),
        png_header(30_000, 30_000),
        png_header(30_000, 2),
        encoded(Image.new("RGB", (50, 50), "red"), "JPEG")[:300],
        encoded(Image.new("RGB", (50, 50), "red"), "BMP"),
        encoded(Image.new("RGB", (50, 50), "red"), "TIFF"),
    ],
)
def test_what_is_no_usable_picture_is_refused(tmp_path, data):
    with pytest.raises(UnusablePicture):
        inspect(*written(tmp_path, data))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]),
    cut=st.integers(0, 400),
    noise=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
)
def test_a_damaged_picture_is_refused_or_read_and_never_anything_else(tmp_path, kind, cut, noise):
    data = bytearray(encoded(Image.effect_noise((20, 20), 50).convert("RGB"), kind))
    for place, value in noise:
        data[place % len(data)] = value
    with contextlib.suppress(UnusablePicture):
        inspect(*written(tmp_path, bytes(data[: len(data) - cut] or b"x")))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_what_hides_behind_the_pixels_does_not_survive(tmp_path, kind):
    image = Image.new("RGB", (30, 20), "red")
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    options: dict[str, object] = {"exif": exif} if kind != "GIF" else {"comment": SECRET}
    if kind == "PNG":
        info = PngInfo()
        info.add_text("Comment", SECRET.decode())
        options["pnginfo"] = info
    data = encoded(image, kind, **options) + SECRET
    assert SECRET in data
    found = inspect(*written(tmp_path, data))
    assert SECRET not in found.path.read_bytes()
    assert found.size_bytes == found.path.stat().st_size


def test_a_picture_is_turned_as_its_camera_was_held(tmp_path):
    image = Image.new("RGB", (30, 20), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    found = inspect(*written(tmp_path, encoded(image, "JPEG", exif=exif)))
    assert (found.width, found.height) == (20, 30)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("CMYK", "JPEG"),
        ("L", "JPEG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("I;16", "PNG"),
        ("1", "PNG"),
        ("RGBA", "WEBP"),
    ],
)
def test_every_mode_of_colour_is_written(tmp_path, mode, kind):
    found = inspect(*written(tmp_path, encoded(Image.new(mode, (8, 8)), kind)))
    with Image.open(found.path) as image:
        assert image.size == (8, 8)


def test_colours_of_a_profile_become_srgb_and_the_profile_goes(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for mode, icc in (("RGB", profile), ("LA", profile), ("RGB", b"no profile at all")):
        kind = "PNG"
        found = inspect(*written(tmp_path, encoded(Image.new(mode, (8, 8)), kind, icc_profile=icc)))
        with Image.open(found.path) as image:
            assert "icc_profile" not in image.info


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_keeps_moving(tmp_path, kind):
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "green", "blue")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    found = inspect(*written(tmp_path, data))
    with Image.open(found.path) as image:
        assert getattr(image, "n_frames", 1) == 3


def test_an_endless_animation_is_refused(tmp_path):
    frames = [Image.new("L", (4, 4), n % 250) for n in range(MAX_FRAMES + 5)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10)
    with pytest.raises(UnusablePicture, match="too long"):
        inspect(*written(tmp_path, data))


def test_equal_pictures_get_one_name(tmp_path):
    data = encoded(Image.new("RGB", (30, 20), "red"), "PNG")
    first = inspect(*written(tmp_path, data)).file_name
    second = inspect(*written(tmp_path, data + b"different tail")).file_name
    assert first == second
    assert Path(first).parts[0] == Path(first).name[:2]

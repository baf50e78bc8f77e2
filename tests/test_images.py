import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ninefold import images
from ninefold.errors import DataError

RGB = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3
GRAY16 = np.array([[0, 255, 256], [1000, 32768, 65535]], dtype=np.uint16)


def encoded(picture: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation: int, kind: str = "PNG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(RGB, kind, exif=exif)


def photo() -> bytes:
    noise = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    return encoded(noise, "JPEG")


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + body
        + struct.pack(">I", zlib.crc32(body))
        + b"\x00\x00\x00\x00IDAT"
    )


def test_rgb_png_is_read_as_it_is() -> None:
    pixels = images.open_rgb(encoded(RGB))
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, RGB)
    assert images.size(encoded(RGB)) == (6, 4)


def test_path_and_bytes_agree(tmp_path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo())
    assert np.array_equal(images.open_rgb(path), images.open_rgb(photo()))
    assert images.size(path) == (96, 64)


def test_pil_picture_holds_the_same_pixels() -> None:
    picture = images.open_pil(encoded(RGB))
    assert picture.mode == "RGB"
    assert np.array_equal(np.asarray(picture), RGB)


def test_a_file_that_changes_is_read_again(tmp_path) -> None:
    path = tmp_path / "a.png"
    for value in (10, 20):
        path.write_bytes(encoded(np.full((2, 2, 3), value, np.uint8)))
        assert images.open_rgb(path).max() == value


def test_a_decoded_picture_cannot_be_changed_for_the_next_reader() -> None:
    with pytest.raises(ValueError):
        images.open_rgb(encoded(RGB))[0, 0] = 0


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.new("1", (2, 2), 1), (255, 255, 255)),
        (Image.new("L", (2, 2), 77), (77, 77, 77)),
        (Image.new("P", (2, 2), 0), (0, 0, 0)),
        (Image.new("LA", (2, 2), (200, 255)), (200, 200, 200)),
        (Image.new("RGBA", (2, 2), (10, 20, 30, 255)), (10, 20, 30)),
        (Image.new("RGBA", (2, 2), (255, 255, 255, 0)), (0, 0, 0)),
        (Image.new("RGBA", (2, 2), (200, 100, 0, 128)), (100, 50, 0)),
    ],
    ids=["1", "L", "P", "LA", "opaque", "transparent is black", "half transparent"],
)
def test_png_modes(picture: Image.Image, expected: tuple[int, int, int]) -> None:
    assert tuple(images.open_rgb(encoded(picture))[1, 1]) == expected


def test_palette_with_transparency_is_laid_on_black() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([250, 0, 0, 0, 250, 0])
    picture.putdata([0, 1])
    pixels = images.open_rgb(encoded(picture, transparency=0))
    assert pixels.tolist() == [[[0, 0, 0], [0, 250, 0]]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_gray_keeps_its_high_byte(kind: str) -> None:
    pixels = images.open_rgb(encoded(GRAY16, kind))
    assert pixels[..., 0].tolist() == [[0, 0, 1], [3, 128, 255]]
    assert (pixels == pixels[..., :1]).all()


def test_cmyk_jpeg_is_converted() -> None:
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    red, green, blue = images.open_rgb(encoded(cyan, "JPEG"))[8, 8].astype(int)
    assert red < 40
    assert green > 200
    assert blue > 200


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, RGB),
        (2, RGB[:, ::-1]),
        (3, RGB[::-1, ::-1]),
        (4, RGB[::-1]),
        (5, RGB.transpose(1, 0, 2)),
        (6, np.rot90(RGB, -1)),
        (7, np.rot90(RGB, 2).transpose(1, 0, 2)),
        (8, np.rot90(RGB)),
        (9, RGB),
    ],
)
def test_exif_rotation_is_applied(orientation: int, upright: np.ndarray, kind: str) -> None:
    content = turned(orientation, kind)
    assert np.array_equal(images.open_rgb(content), upright)
    assert images.size(content) == upright.shape[1::-1]
    assert images.orientation(content) == (orientation if orientation <= 8 else 1)


def test_the_size_of_a_png_is_read_without_its_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(self: Image.Image) -> None:
        raise AssertionError("decoded")

    content = encoded(RGB)
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decoded)
    assert images.size(content) == RGB.shape[1::-1]


def test_broken_exif_is_ignored() -> None:
    content = encoded(RGB, exif=b"Exif\x00\x00nonsense")
    assert np.array_equal(images.open_rgb(content), RGB)
    assert images.size(content) == (6, 4)


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert tuple(images.open_rgb(content)[0, 0]) == (255, 0, 0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (photo()[:2000], "truncated"),
        (encoded(RGB)[:50], "truncated"),
        (b"", "has no image"),
        (b"<html>not found</html>", "no known format"),
        (png_header(60_000, 60_000), "decompression bomb"),
        (encoded(Image.new("F", (2, 2)), "TIFF"), "floating-point"),
    ],
    ids=["truncated jpeg", "truncated png", "empty", "html", "bomb", "float"],
)
def test_a_broken_picture_is_one_line_that_names_it(content: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as error:
        images.open_rgb(content, name="000000000139.jpg")
    assert str(error.value).startswith("000000000139.jpg: ")
    assert "\n" not in str(error.value)


def test_a_missing_path_and_a_folder_are_named(tmp_path) -> None:
    with pytest.raises(DataError, match=r"gone\.jpg: no such picture"):
        images.open_rgb(tmp_path / "gone.jpg")
    with pytest.raises(DataError, match="cannot be read"):
        images.size(tmp_path)


def test_size_needs_no_pixels() -> None:
    assert images.size(photo()[:1000]) == (96, 64)


def test_only_listed_formats_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr("subprocess.Popen", lambda *command, **options: started.append(command))
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    icon = encoded(Image.new("RGB", (16, 16)), "ICO")
    for content in (page, icon):
        for read in (images.open_rgb, images.open_pil, images.size, images.orientation):
            with pytest.raises(DataError, match=r"a\.jpg: .*no known format; these are read: PNG, JPEG"):
                read(content, name="a.jpg")
    assert not started


@pytest.mark.parametrize("kind", images.FORMATS)
def test_every_listed_format_is_read(kind: str) -> None:
    pixels = images.open_rgb(encoded(Image.new("RGB", (16, 12), (200, 100, 50)), kind))
    assert pixels.shape == (12, 16, 3)
    assert np.abs(pixels[6, 8].astype(int) - [200, 100, 50]).max() < 60


def test_a_photo_of_two_views_gives_the_first() -> None:
    views = [Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    content = encoded(views[0], "MPO", save_all=True, append_images=views[1:])
    assert images.open_rgb(content)[8, 8, 0] > 200


def test_one_pixel_and_a_thin_picture() -> None:
    assert images.open_rgb(encoded(np.full((1, 1, 3), 9, np.uint8))).tolist() == [[[9, 9, 9]]]
    assert images.open_rgb(encoded(np.zeros((2500, 12, 3), np.uint8))).shape == (2500, 12, 3)

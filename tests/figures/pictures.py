"""Pictures that a reader may bring along, as files."""

import struct
import zlib


def png(pixels, width, height, color_type=2):
    """A PNG file of 8-bit pixels."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    line = len(pixels) // height
    raw = b"".join(b"\0" + pixels[i * line : (i + 1) * line] for i in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def gray(image):
    """The same of a uint8 tensor of H×W."""
    height, width = image.shape
    return png(bytes(image.flatten().tolist()), width, height, color_type=0)


PICTURES = {
    "one pixel": png(b"\xff\x00\x00", 1, 1),
    "gray": png(bytes(range(100)), 10, 10, color_type=0),
    "transparent": png(b"\x00\x00\x00\x00" * 64, 8, 8, color_type=6),
    "large": png(b"\x20\x40\x60" * 3000 * 2000, 3000, 2000),
    "a strip": png(b"\x20\x40\x60" * 500, 500, 1),
}

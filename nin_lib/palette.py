"""The book's colors, light and dark: one file for the static images, the figures and the site.

Color carries sign: ``negative`` is blue, ``positive`` orange, ``neutral`` zero.
"""

import json
from importlib.resources import files

#: theme → name → color, such as ``PALETTE["light"]["ink"]``.
PALETTE: dict[str, dict[str, str]] = json.loads(
    (files("nin_lib") / "palette.json").read_text(encoding="utf-8")
)

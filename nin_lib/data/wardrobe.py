"""``wardrobe``: ten classes of garments drawn by program from a seed; nothing to download.

Every garment is painted in *spans*: on each image row a shape covers the pixels between a left
and a right edge, and the edges run straight from knot to knot down the image. A whole class is
drawn at once, so all arrays start with the number of images, n.
"""

import numpy as np

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
SIDE = 28  # pixels, as in Fashion-MNIST
_ROWS = 2 * SIDE  # drawn at twice the height, then averaged in pairs for smooth edges


class _Canvas:
    """n gray images that are being painted, values 0 (background) to 1."""

    def __init__(self, rng: np.random.Generator, n: int):
        self.rng, self.n = rng, n
        self.ink = np.zeros((n, _ROWS, SIDE), np.float32)
        self.y = (np.arange(_ROWS, dtype=np.float32) + 0.5) / 2  # row centers in pixels
        # Every image has its own place, size and lean.
        self.dx, self.dy = self.between(-3.5, 3.5), self.between(-3, 3)
        self.size, self.lean = self.between(0.68, 1.04), self.between(-0.15, 0.15)

    def between(self, low: float, high: float) -> np.ndarray:
        """One uniform number per image: n×1."""
        return self.rng.uniform(low, high, (self.n, 1)).astype(np.float32)

    def chance(self, p: float) -> np.ndarray:
        """A 0 or 1 per image, 1 with probability p: n×1."""
        return (self.rng.random((self.n, 1)) < p).astype(np.float32)

    def paint(self, ys, lefts, rights, shade, show=1.0):
        """Cover the span between two edges, given as knots, in pixels from the image's middle.

        ``ys`` must rise. ``shade`` broadcasts to n×rows×SIDE; ``show`` (n×1) hides the shape
        where it is 0.
        """
        ys, lefts, rights = (
            np.concatenate([np.broadcast_to(np.float32(k), (self.n, 1)) for k in knots], axis=1)
            for knots in (ys, lefts, rights)
        )
        y = (self.y[None] - 14 - self.dy) / self.size  # rows in the garment's own coordinates
        left, right = np.zeros_like(y), np.full_like(y, -1.0)
        for k in range(ys.shape[1] - 1):
            top, height = ys[:, k, None], ys[:, k + 1, None] - ys[:, k, None]
            t = (y - top) / np.maximum(height, 1e-6)
            inside = (t >= 0) & (t < 1)
            for edge, knots in ((left, lefts), (right, rights)):
                line = knots[:, k, None] + t * (knots[:, k + 1, None] - knots[:, k, None])
                edge[inside] = line[inside]
        place = 14 + self.dx + self.lean * y * self.size
        column = np.arange(SIDE, dtype=np.float32)
        low = np.maximum((left * self.size + place)[..., None], column)
        high = np.minimum((right * self.size + place)[..., None], column + 1)
        cover = np.clip(high - low, 0, 1) * np.reshape(np.float32(show), (-1, 1, 1))
        self.ink += cover * (shade - self.ink)

    def both_sides(self, ys, inner, outer, shade, show=1.0):
        """The same span right of the middle and mirrored left of it."""
        self.paint(ys, inner, outer, shade, show)
        self.paint(ys, [-x for x in outer], [-x for x in inner], shade, show)

    def cloth(self) -> np.ndarray:
        """A shade for each pixel, n×rows×SIDE: plain, striped, checked or shaded, never black."""
        base = self.between(0.3, 0.95)[..., None]
        kind = self.rng.integers(0, 6, (self.n, 1, 1))
        wave = self.between(0.7, 1.8)[..., None]
        phase = self.between(0, 6.3)[..., None]
        down = np.sin(self.y[None, :, None] * wave + phase)
        across = np.sin(np.arange(SIDE, dtype=np.float32)[None, None] * wave + phase)
        pattern = np.select(
            [kind == 1, kind == 2, kind == 3],
            [np.sign(down), np.sign(across), np.sign(down * across)],
            default=0.0,
        )
        slope = (self.y[None, :, None] - 14) / 28 * self.between(-0.5, 0.5)[..., None]
        depth = self.between(0.1, 0.55)[..., None]
        return np.clip(base * (1 + depth * pattern + slope), 0.12, 1.0).astype(np.float32)

    def images(self) -> np.ndarray:
        """The finished images, uint8 n×1×SIDE×SIDE, with a little grain on the cloth."""
        gray = self.ink.reshape(self.n, SIDE, 2, SIDE).mean(axis=2)
        grain = self.rng.normal(0, 0.05, gray.shape).astype(np.float32)
        contrast = self.between(0.75, 1.0)[..., None]
        gray = np.clip(gray * contrast + grain * (gray > 0.05), 0, 1)
        return (gray * 255 + 0.5).astype(np.uint8)[:, None]


def _upper_body(c: _Canvas, sleeve_end, hem, width=None) -> tuple[np.ndarray, np.ndarray]:
    """A torso with two sleeves that end at ``sleeve_end`` (n×1); returns its cloth and width."""
    cloth = c.cloth()
    width = c.between(4.8, 6.4) if width is None else width
    reach = width + 1.2 + (sleeve_end + 9) * c.between(0.16, 0.34)  # longer sleeves reach further
    cuff = c.between(1.8, 2.6)
    c.both_sides(
        [-10, -8, sleeve_end],
        [width - 3, width - 1.5, reach - cuff],
        [width - 1.5, width + 1.2, reach],
        cloth * 0.93,
    )
    waist = width - c.between(0, 0.9)
    c.paint([-10, -8, 0, hem], [-3.2, -width, -waist, -width], [3.2, width, waist, width], cloth)
    return cloth, width


def _neck(c: _Canvas, depth):
    """Cut the neckline out of what is painted."""
    half = c.between(1.6, 2.6)
    c.paint([-10.6, -10 + depth], [-half, -0.4], [half, 0.4], 0.0)


def _collar(c: _Canvas, cloth, show=1.0):
    """Two pointed leaves beside the neck, lighter than the cloth."""
    c.both_sides([-10.6, -6.6], [0.4, 1.2], [3.0, 1.6], np.minimum(cloth * 1.35 + 0.1, 1), show)


def _tshirt(c: _Canvas):
    _upper_body(c, sleeve_end=c.between(-5, -1.5), hem=c.between(8, 11))
    _neck(c, c.between(1, 3.5))


def _trouser(c: _Canvas):
    cloth, waist, hem = c.cloth(), c.between(3, 4.4), c.between(3.2, 5.4)
    gap, leg = c.between(0.2, 1.4), c.between(1.8, 2.8)
    crotch = c.between(-7, -4)
    c.paint([-12, crotch], [-waist, -waist - 0.7], [waist, waist + 0.7], cloth)
    c.both_sides([crotch, 12], [0.1, hem - leg + gap], [waist + 0.7, hem + gap], cloth)


def _pullover(c: _Canvas):
    cloth, width = _upper_body(c, sleeve_end=c.between(6, 10), hem=c.between(8, 10.5))
    _neck(c, c.between(0.6, 1.8))
    hem = c.between(7, 9)
    c.paint([hem, hem + 1.2], [-width, -width], [width, width], cloth * 0.7, c.chance(0.6))


def _dress(c: _Canvas):
    cloth, top, waist, hem = c.cloth(), c.between(2.6, 4), c.between(2, 3.2), c.between(4, 7.5)
    at = c.between(-4, 0)
    sleeve = c.chance(0.5)
    c.both_sides([-11, c.between(-7, 2)], [top - 1.5, top], [top, top + 2.4], cloth * 0.9, sleeve)
    c.paint([-12, at, 12], [-top, -waist, -hem], [top, waist, hem], cloth)
    _neck(c, c.between(1, 4))


def _coat(c: _Canvas):
    cloth, width = _upper_body(
        c, c.between(6, 10), hem=c.between(10, 12), width=c.between(5.2, 6.8)
    )
    _collar(c, cloth, c.chance(0.7))
    _neck(c, c.between(1.5, 4))
    half = c.between(0.35, 0.9)  # the front is open from neck to hem
    lean = c.between(-0.5, 0.5)
    c.paint([-8, 13], [-half, lean - half], [half, lean + half], c.between(0, 0.15)[..., None])
    pocket = c.between(2, 5)
    c.both_sides([pocket, pocket + 0.8], [1.8, 1.8], [width - 1, width - 1], cloth * 0.55)


def _sandal(c: _Canvas):
    cloth, heel = c.cloth(), c.between(0, 4)
    sole = np.minimum(cloth * 1.1, 1)
    c.paint([3.5 - heel, 6], [-11, -11], [-7.5, -5], sole)  # the heel
    c.paint([5, 6.6], [-11, -11], [10.5, 11.5], sole)
    for heel_side, toe_side, low, high in ((-10, -2, 4, 9), (-3, 4, 3, 6.5), (3, 9, 2, 4)):
        back, front = heel_side + c.between(0, 2), toe_side + c.between(-1, 1.5)
        peak, top = back + (front - back) * c.between(0.3, 0.7), 5.2 - c.between(low, high)
        thick = c.between(0.8, 1.6)
        c.paint([top, 5.2], [peak - 0.6, back], [peak + 0.6, front], cloth, c.chance(0.85))
        c.paint([top + thick, 5.2], [peak, back + thick], [peak, front - thick], 0.0)


def _shirt(c: _Canvas):
    short = c.chance(0.35)
    sleeve = short * c.between(-5, -1.5) + (1 - short) * c.between(6, 10)
    cloth, _ = _upper_body(c, sleeve, hem=c.between(8, 11))
    _neck(c, c.between(0.6, 2.5))
    _collar(c, cloth, c.chance(0.85))
    ink = np.where(cloth > 0.55, cloth * 0.45, np.minimum(cloth * 1.7, 1))
    gap = c.between(2.6, 3.6)
    for k in range(5):  # a row of buttons, not an opening
        c.paint([-6 + gap * k, -4.8 + gap * k], [-0.7, -0.7], [0.7, 0.7], ink)


def _shoe(c: _Canvas, opening, shaft, cloth):
    """A foot from heel (left) to toe (right); ``opening`` is the height of the shaft's top."""
    toe, instep = c.between(9.5, 12), c.between(0, 3)
    front = shaft - 10.5
    fronts = [front, front + instep, toe - 3, toe]
    c.paint([opening, 0, 3, 6.5], [-10.5, -10.8, -11, -11], fronts, cloth)


def _sneaker(c: _Canvas):
    cloth = c.cloth()
    _shoe(c, opening=c.between(-4, -1), shaft=c.between(5, 8), cloth=cloth)
    c.paint([5.4, 7.2], [-11.3, -11.3], [11, 11.6], np.minimum(cloth * 1.5 + 0.2, 1))  # the sole
    for k in range(3):  # laces
        c.paint([0.6 + k, 1.1 + k], [-3.5 + 1.8 * k] * 2, [-0.5 + 1.8 * k] * 2, 1.0, c.chance(0.8))


def _bag(c: _Canvas):
    cloth, half, top = c.cloth(), c.between(6, 10.5), c.between(-5, 0)
    handle, inner = c.between(3, 7), c.between(1, 1.8)
    peak = top - c.between(2, 7)
    c.paint([peak, top], [-handle + 1.5, -handle], [handle - 1.5, handle], cloth * 0.9)
    c.paint([peak + inner, top], [-handle + inner + 1.5, -handle + inner],
            [handle - inner - 1.5, handle - inner], 0.0)  # fmt: skip
    bottom, flare = c.between(6, 10), c.between(-1, 1.5)
    c.paint([top, bottom], [-half, -half - flare], [half, half + flare], cloth)
    flap = top + c.between(1.5, 5)
    c.paint([flap, flap + 0.9], [-half, -half], [half, half], cloth * 0.5, c.chance(0.6))


def _ankle_boot(c: _Canvas):
    cloth, heel = c.cloth(), c.between(0, 3)
    _shoe(c, opening=c.between(-11, -6.5), shaft=c.between(6, 9), cloth=cloth)
    c.paint([6, 6.6 + heel], [-11, -11], [-6, -7], cloth * 0.7)
    c.paint([5.8, 7.2], [-11, -11], [10, 10.5], cloth * 0.7, c.chance(0.6))


_DRAW = (_tshirt, _trouser, _pullover, _dress, _coat, _sandal, _shirt, _sneaker, _bag, _ankle_boot)


def draw(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw n garments, the ten classes equally often (as far as n allows), in random order.

    Returns:
        images: uint8 n×1×28×28, garment light on black as in Fashion-MNIST.
        labels: uint8 n, an index into ``CLASSES``.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % len(CLASSES)
    images = np.empty((n, 1, SIDE, SIDE), np.uint8)
    for label, drawing in enumerate(_DRAW):
        where = np.flatnonzero(labels == label)
        canvas = _Canvas(rng, len(where))
        drawing(canvas)
        images[where] = canvas.images()
    # Shoes and bags point either way; clothes are worn mirrored as often.
    mirrored = rng.random(n) < 0.5
    images[mirrored] = images[mirrored, :, :, ::-1]
    order = rng.permutation(n)
    return images[order], labels[order].astype(np.uint8)

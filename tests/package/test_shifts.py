"""Images moved by whole pixels."""

from itertools import product

import torch

from nin_lib.data import shifted

SHIFTS = [(0, 0), (1, 0), (0, 2), (-3, 5), (8, -8), (27, 1), (28, 0), (-40, 99)]


def test_every_pixel_goes_where_it_should_and_black_comes_in(subtests):
    images = torch.randint(1, 256, (2, 1, 28, 28), dtype=torch.uint8)
    pixels = list(product(range(28), repeat=2))
    for right, down in SHIFTS:
        with subtests.test(right=right, down=down):
            moved = shifted(images, right, down)
            assert moved.shape == images.shape and moved.dtype == torch.uint8
            for row, column in pixels:
                from_row, from_column = row - down, column - right
                inside = 0 <= from_row < 28 and 0 <= from_column < 28
                wanted = images[..., from_row, from_column] if inside else torch.zeros(2, 1)
                assert torch.equal(moved[..., row, column].float(), wanted.float())


def test_there_and_back_loses_what_left_the_frame():
    images = torch.full((1, 1, 28, 28), 9, dtype=torch.uint8)
    back = shifted(shifted(images, 3, 0), -3, 0)
    assert (back[..., :25] == 9).all() and (back[..., 25:] == 0).all()

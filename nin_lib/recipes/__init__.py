"""Named training set-ups. ``RECIPES[name]`` holds every number that a run depends on."""

from nin_lib.recipes.named import RECIPES
from nin_lib.recipes.recipe import Recipe, args
from nin_lib.recipes.studies import STUDIES, VARIANTS, find

__all__ = ["RECIPES", "STUDIES", "VARIANTS", "Recipe", "args", "find"]

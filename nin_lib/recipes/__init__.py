"""Recipes: ``RECIPES[name]`` holds every number that a training run depends on."""

from nin_lib.recipes.named import RECIPES
from nin_lib.recipes.recipe import Recipe
from nin_lib.recipes.studies import STUDIES, VARIANTS, find

__all__ = ["RECIPES", "STUDIES", "VARIANTS", "Recipe", "find"]

"""Answers to the exercises, made of source text as in a cell of a chapter."""

import os
from functools import cache

import torch
from torch import nn

from nin_lib import check
from nin_lib.check import grade

os.environ.setdefault("KERAS_BACKEND", "torch")  # as chapter 12's setup does
EXERCISES = check.exercises()


def run(code: str) -> dict:
    """A notebook's cell, after the imports that each chapter begins with."""
    names = {"torch": torch, "nn": nn, "check": check}
    exec(code, names)
    return names


def answer_of(exercise, code: str):
    return run(code)[exercise.name]


made = cache(answer_of)  # for tests that hand the same answer in again and again


def said_of(exercise, given) -> str:
    """What is said of an answer that is the first one."""
    grade._wrong_in_a_row.clear()
    return str(check.answer(exercise.number, given))

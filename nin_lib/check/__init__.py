"""Check an answer to an exercise on the spot: ``check.answer("1.5", pointwise)``.

The exercises are one file a chapter; ``check.solution("1.5")`` shows a solution. To add one, write
in the chapter's file::

    @exercise(
        "1.1",
        "predict",  # or read, build, debug, measure, open
        stub='''
            cost = {"weights": ...}
            check.answer("1.1", cost)
        ''',
        solution='''
            cost = {"weights": 192 * 32}
        ''',
        hint="A sentence: what to think of, said at the second wrong answer.",
        wrong=[("192 * 32", "192 + 32", "Pairs of channels: a product, not a sum.")],
    )
    def cost(answer):
        expect_numbers(answer, {"weights": 6144})
        return "a sentence of praise."

A slip, of ``wrong``, is what is in the solution, what is there instead, and its hint. Nothing else
has to be written for it: an answer with the mistake that the check finds in the slip, or with its
number, gets the hint, and the tests hand in every slip.

An exercise of the kind *predict* whose answer is a dictionary of numbers has a box for each on the
site; ``boxes`` finds what they are called in the comments of the stub, one behind each entry.
"""

from nin_lib.check.boxes import boxes
from nin_lib.check.grade import answer, exercises, solution

__all__ = ["answer", "boxes", "exercises", "solution"]

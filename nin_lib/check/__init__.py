"""Check an answer to an exercise on the spot: ``check.answer("1.4", pointwise)``.

The exercises are one file a chapter; ``check.solution("1.4")`` shows a solution.
"""

from nin_lib.check.grade import answer, every, solution

__all__ = ["answer", "every", "solution"]

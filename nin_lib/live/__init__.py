"""The live figures: ``live.OnePixel(number="1.1")`` and so on.

Each works in Colab, JupyterLab and VS Code, where its state is ordinary traits that Python reads
(``figure.row``, ``figure.observe(…)``, ``ipywidgets.jslink``), and without a kernel on the
website. The drawing is TypeScript, in the folder ``figures`` of the repository.
``live.Ask(…)`` asks the reader a question, in the same places, and ``live.AskNumbers(…)`` asks for
several numbers at once; they are no figures.
"""

from nin_lib.live.ask import Ask, AskNumbers
from nin_lib.live.average import Average
from nin_lib.live.bend import Bend
from nin_lib.live.break_map import BreakMap
from nin_lib.live.budget import Budget
from nin_lib.live.canvas import BiggerCanvas
from nin_lib.live.die import Die
from nin_lib.live.hero import Hero
from nin_lib.live.inside_pixel import InsidePixel
from nin_lib.live.one_pixel import OnePixel, drawn_photo
from nin_lib.live.slide import Slide
from nin_lib.live.three_names import ThreeNames
from nin_lib.live.train_here import TrainHere
from nin_lib.live.where import WhereOnes

__all__ = [
    "Ask",
    "AskNumbers",
    "Average",
    "Bend",
    "BiggerCanvas",
    "BreakMap",
    "Budget",
    "Die",
    "Hero",
    "InsidePixel",
    "OnePixel",
    "Slide",
    "ThreeNames",
    "TrainHere",
    "WhereOnes",
    "drawn_photo",
]

"""Questions in Python: which arguments make one, and what HTML it is."""

import math
import re

import pytest

from nin_lib import live

CHOICES = {"about 18 %": "It is little.", "half": "It is `less`."}
NUMBERS = {131_584: "With biases.", 131_072: "Without."}


def choices(**changed):
    return live.Ask(**{"question": "How much?", "answers": CHOICES, "right": "half"} | changed)


def number(**changed):
    given = {"question": "How many?", "answers": NUMBERS, "right": 131_584, "otherwise": "No."}
    return live.Ask(**given | changed)


@pytest.mark.parametrize(
    ("make", "changed", "sentence"),
    [
        (choices, {"question": " "}, "question must be a sentence, not ' '"),
        (choices, {"question": 5}, "question must be a sentence, not 5"),
        (choices, {"answers": ["half"]}, "answers must be a dictionary, answer → what is said"),
        (choices, {"answers": {}}, "answers must be all texts, for choices, or all finite"),
        (choices, {"answers": {"half": "Yes.", 2: "No."}}, "answers must be all texts"),
        (choices, {"answers": {"half": "Yes.", "": "No."}}, "answers must be all texts"),
        (choices, {"answers": {"half": "Yes."}}, "answers must be at least two choices"),
        (choices, {"answers": {"half": "Yes.", "all": ""}}, "what is said about 'all' must be a"),
        (choices, {"right": "Half"}, "right must be one of 'about 18 %', 'half', not 'Half'"),
        (choices, {"right": ["half"]}, "right must be one of"),
        (choices, {"otherwise": "No."}, "otherwise, unit and within are for numbers"),
        (choices, {"unit": "%"}, "otherwise, unit and within are for numbers"),
        (choices, {"within": 1}, "otherwise, unit and within are for numbers"),
        (number, {"answers": {True: "Yes."}}, "answers must be all texts"),
        (number, {"answers": {math.nan: "Yes."}}, "answers must be all texts"),
        (number, {"right": 5}, "right must be one of 131584, 131072, not 5"),
        (number, {"otherwise": ""}, "otherwise must be a sentence about every other number"),
        (number, {"unit": None}, "unit must be a text, not None"),
        (number, {"within": -1}, "within must be a number from 0, not -1"),
        (number, {"within": math.inf}, "within must be a number from 0, not inf"),
        (number, {"within": 256}, "131072 and 131584 are too near for within=256"),
    ],
)
def test_arguments_that_make_no_question_are_refused_in_a_sentence(make, changed, sentence):
    with pytest.raises(ValueError, match="^Ask: " + re.escape(sentence)):
        make(**changed)


def test_a_tolerance_that_keeps_the_answers_apart_is_taken():
    assert 'data-within="255.9"' in number(within=255.9).page


def test_a_question_has_its_choices_and_folds_what_is_said_about_each():
    page = choices().page
    assert "<legend>How much?</legend>" in page
    assert re.findall(r"<label>.*?<span>(.*?)</span>", page) == list(CHOICES)
    shown, folded = page.split("<details>")
    assert not any(word in shown for word in ("It is", "Right", "Not right"))
    said = re.findall(r'<dt>(.*?)</dt><dd data-value="(.)"><strong>.*?</span> (.*?)</dd>', folded)
    assert said == [
        ("about 18 %", "0", "Not right.</strong> It is little."),
        ("half", "1", "Right.</strong> It is <code>less</code>."),
    ]


def test_a_number_has_a_box_with_its_unit_and_the_right_one_comes_first():
    page = number(
        answers={-0.5: "No.", 131_584.0: "Yes."}, right=131_584, unit="kB", within=0.25
    ).page
    assert '<label>your answer <input name="answer" inputmode="decimal" data-unit="kB"' in page
    assert 'data-within="0.25"> <span>kB</span></label>' in page
    names = re.findall(r'<dt>(.*?)</dt><dd data-value="(.*?)">', page)
    assert names == [("131,584 kB", "131584.0"), ("−0.5 kB", "-0.5"), ("any other number", "")]
    assert page.count("✓") == 1 and page.index("✓") < page.index("✗")


def test_texts_are_text_wherever_they_are_put():
    odd = '<script>alert("x")</script> & `<b>`'
    asked = [
        live.Ask(odd, {odd: odd, "no": odd}, right=odd),
        live.Ask(odd, {1: odd}, right=1, otherwise=odd, unit=odd),
    ]
    for question in asked:
        form = re.sub("<style>.*?</style>", "", question.page, flags=re.DOTALL)
        assert "<script" not in form and "<b>" not in form
        assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; <code>&lt;b&gt;" in form


def test_it_is_a_widget_with_html_for_where_there_is_none():
    question = choices()
    bundle, _ = question._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"].startswith('<div class="nin-ask" data-src="live/ask.mjs"')
    assert question.page in bundle["text/html"]
    assert 'src="data:text/javascript;base64,' in question.html()
    assert not isinstance(question, live.base.Figure)
    with pytest.raises(Exception, match="read-only"):
        question.page = ""


# ---- several numbers


def numbers(**changed):
    given = {"wanted": {"direct": 600, "two": -0.5}, "praise": "So it is.", "otherwise": "Count."}
    return live.AskNumbers("How many?", **given | changed)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"wanted": {}}, "AskNumbers: wanted must be box → number, not {}"),
        ({"wanted": 5}, "AskNumbers: wanted must be box → number, not 5"),
        ({"wanted": {" ": 5}}, "AskNumbers: wanted must be box → number, not {' ': 5}"),
        ({"wanted": {"direct": "many"}}, "AskNumbers: wanted must be box → number, not {'direct"),
        ({"praise": ""}, "AskNumbers: praise must be a sentence, not ''"),
        ({"otherwise": None}, "AskNumbers: otherwise must be a sentence, not None"),
        ({"about": {"three": "x"}}, "AskNumbers: there is no box 'three' in wanted: ['direct', "),
        ({"slips": {"three": {}}}, "AskNumbers: there is no box 'three' in wanted"),
        ({"within": {"three": 1}}, "AskNumbers: there is no box 'three' in wanted"),
        ({"slips": {"direct": {6: ""}}}, "Ask: what is said about 6 must be a sentence"),
        ({"slips": {"direct": {600: "No."}}}, "AskNumbers: 600 is right and a slip of 'direct'"),
    ],
)
def test_numbers_that_make_no_question_are_refused_in_a_sentence(changed, sentence):
    with pytest.raises(ValueError, match="^" + re.escape(sentence)):
        numbers(**changed)


def test_each_number_has_a_box_of_its_own_and_its_answers_are_folded():
    page = numbers(
        about={"two": "of `both`"},
        slips={"direct": {6: "At how many places?"}},
        within={"two": 0.1},
    ).page
    shown, folded = page.split("<details>")
    assert re.findall(r'<span>(.*?)</span> <input name="(.)"', shown) == [
        ("direct", "0"),
        ("two: of <code>both</code>", "1"),
    ]
    assert not re.search("600|−0.5|places|So it is", shown.partition("</style>")[2])
    said = re.findall(r'data-value="(.*?)" data-box="(.*?)"(?: data-within="(.*?)")?>', folded)
    assert said == [
        ("600.0", "0", "0"),
        ("6.0", "0", "0"),
        ("", "0", "0"),
        ("-0.5", "1", "0.05"),
        ("", "1", "0.05"),
        ("", "all", ""),
    ]

"""Questions in a browser: answered, answered again, misread, printed, without scripts."""

import nin_cells
import nin_sphinx
import pytest
from docutils import nodes
from harness import alone
from playwright.sync_api import expect

from nin_lib import check as nin_check
from nin_lib import live
from nin_lib.live import files

CHOICES = live.Ask(
    "What share of the multiplications of `Conv2d(192, 32, 5)` is left?",
    {
        "about 18 %": "The 5×5 layer reads 16 channels.",
        "about 50 %": "That would be half the channels.",
        "<script>document.title = 'run'</script>": "It is a `<text>`.",
    },
    right="about 18 %",
)
NUMBER = live.Ask(
    "How many parameters does the layer have?",
    {131_584: "A bias for each class.", 131_072: "That leaves out the biases."},
    right=131_584,
    otherwise="Count the pairs.",
    unit="parameters",
    within=100,
)
SHARE = live.Ask("What share?", {18: "So it is."}, right=18, unit="%", otherwise="It is not.")
PHONE = {"viewport": {"width": 320, "height": 700}, "has_touch": True, "is_mobile": True}
HEIGHTS = "all => all.map((form) => form.getBoundingClientRect().height)"
#: As on the site.
MOBILE = '<meta name="viewport" content="width=device-width, initial-scale=1">'
LOOK = f"<style>{nin_sphinx.palette_css()} body {{ background: var(--nin-paper) }}</style>"


@pytest.fixture
def ask(open_tab, tmp_path):
    """Shows questions on a page, as they are where their script runs; the form of each."""

    def show(*questions, head="", **options):
        tab, file = open_tab(**options), tmp_path / "questions.html"
        rest = "".join(question.html() for question in questions[1:])
        file.write_text(alone(questions[0], MOBILE + head) + rest, encoding="utf-8")
        tab.goto(file.as_uri())
        if options.get("java_script_enabled", True):
            expect(tab.locator("form[data-ready]")).to_have_count(len(questions))
        return tab.locator("form").all()

    return show


def said(form):
    return form.get_by_role("status")


def check(form):
    form.get_by_role("button", name="check").click()


def test_a_choice_is_answered_and_one_may_choose_again(ask):
    [form] = ask(CHOICES)
    tab = form.page
    group = form.get_by_role("group", name="What share of the multiplications")
    assert group.get_by_role("radio").count() == 3
    assert not form.get_by_text("16 channels").is_visible()
    status = said(form).element_handle()  # a live region is there before it speaks, and stays
    check(form)
    expect(said(form)).to_have_text("Choose an answer first.")
    form.get_by_label("about 50 %").check()
    expect(said(form)).to_have_text("")
    check(form)
    expect(said(form)).to_have_text("✗ Not right. That would be half the channels.")
    form.get_by_label("about 18 %").check()
    expect(said(form)).to_have_text("")  # what was said is about another choice
    check(form)
    expect(said(form)).to_have_text("✓ Right. The 5×5 layer reads 16 channels.")
    form.get_by_label("<script>").check()
    check(form)
    expect(said(form)).to_have_text("✗ Not right. It is a <text>.")
    assert said(form).locator("code").inner_text() == "<text>" and tab.title() == "figure"
    assert status.inner_text() == said(form).inner_text()


def test_keys_are_enough_and_nothing_is_sent_or_kept(ask):
    choices, number = ask(CHOICES, NUMBER)
    tab, sent = choices.page, []
    tab.on("request", lambda request: sent.append(request.url))
    address = tab.url
    for key in ("Tab", "Space", "ArrowDown", "Tab", "Space"):
        tab.keyboard.press(key)
    expect(said(choices)).to_contain_text("That would be half the channels.")
    outline = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert tab.evaluate(outline) == "solid"
    tab.keyboard.press("Tab")
    tab.keyboard.type("131072")
    assert tab.evaluate(outline) == "solid"
    tab.keyboard.press("Enter")
    expect(said(number)).to_have_text("✗ Not right. That leaves out the biases.")
    assert (tab.url, sent, tab.evaluate("document.cookie + localStorage.length")) == (
        address,
        [],
        "0",
    )
    tab.reload()
    expect(tab.get_by_role("textbox")).to_have_value("")
    assert not tab.locator(":checked").count()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "Write a number first."),
        ("  ", "Write a number first."),
        ("131,584", "✓ Right. A bias for each class."),
        ("131 600", "Read as 131,600. ✓ Right. A bias for each class."),
        ("131,584 parameters", "Read as 131,584. ✓ Right. A bias for each class."),
        ("131072", "✗ Not right. That leaves out the biases."),
        ("1.3e5", "✗ Not right. Count the pairs."),
        ("18 %", "Read as 0.18. ✗ Not right. Count the pairs."),
        (
            "many <b>",
            "“many <b>” cannot be read as a number. Write it as 131,584, as 0.5, as 1.3e5 or as "
            "18 %.",
        ),
    ],
)
def test_a_number_is_read_and_answered_and_what_is_written_stays(ask, subtests, written, words):
    number, share = ask(NUMBER, SHARE)
    box = number.get_by_role("textbox", name="your answer parameters")
    assert box.get_attribute("inputmode") == "decimal"
    box.fill(written)
    check(number)
    expect(said(number)).to_have_text(words)
    expect(box).to_have_value(written)
    expect(said(share)).to_have_text("")
    if written == "18 %":
        share.get_by_role("textbox").fill(written)
        check(share)
        expect(said(share)).to_have_text("Read as 18. ✓ Right. So it is.")


def test_a_notebook_fills_its_place_and_clears_up(open_tab):
    tab = open_tab()
    tab.set_content("<div id=place></div>")
    source = live.base.data_url("text/javascript", (files.FOLDER / "ask.mjs").read_bytes())
    tab.evaluate(
        """async ([source, page]) => {
            const model = { get: (name) => ({ page })[name] };
            const widget = (await import(source)).default;
            globalThis.end = widget.render({ model, el: document.querySelector("#place") });
        }""",
        [source, CHOICES.page],
    )
    form = tab.locator("#place > form[data-ready]")
    form.get_by_label("about 18 %").check()
    check(form)
    expect(said(form)).to_contain_text("Right.")
    assert form.get_attribute("data-lm-suppress-shortcuts") == ""  # JupyterLab leaves its keys
    tab.evaluate("end()")
    assert not tab.locator("[data-ready]").count()


def test_without_scripts_the_answers_are_folded_and_nothing_moves_when_scripts_come(ask):
    for options in ({"viewport": {"width": 1200, "height": 900}}, PHONE):
        with_scripts = ask(CHOICES, NUMBER, **options)[0].page.locator("form").evaluate_all(HEIGHTS)
        choices, number = ask(CHOICES, NUMBER, java_script_enabled=False, **options)
        tab = choices.page
        assert tab.locator("form").evaluate_all(HEIGHTS) == with_scripts
        assert not tab.get_by_role("button").count()
        for form, words in ((choices, "Right. The 5×5 layer"), (number, "leaves out the biases")):
            assert not form.get_by_text(words).is_visible()
            form.get_by_text("Answers").click()
            assert form.get_by_text(words).is_visible()
        address = tab.url
        number.get_by_role("textbox").fill("5")
        tab.keyboard.press("Enter")  # which would send a form to the page's own address
        assert tab.url == address and number.get_by_role("textbox").input_value() == "5"


def test_a_script_that_does_not_load_leaves_the_answers(open_tab):
    tab = open_tab()
    here = CHOICES._placeholder("data:text/javascript,throw 1")
    tab.set_content(f"{here}{live.base.scripts()}")
    tab.wait_for_function("document.querySelector('.nin-ask').ninLive")
    tab.wait_for_timeout(200)
    assert not tab.locator("form[data-ready], .nin-aside, button:visible").count()
    tab.get_by_text("Answers").click()
    assert tab.get_by_text("16 channels").is_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_on_paper_there_are_questions_and_choices_and_no_answers(ask, scripts):
    choices, number = ask(CHOICES, NUMBER, java_script_enabled=scripts, has_touch=False)
    if scripts:
        choices.get_by_label("about 18 %").check()
        check(choices)
    else:
        choices.get_by_text("Answers").click()
    choices.page.emulate_media(media="print")
    for form, words in ((choices, "about 50 %"), (number, "parameters")):
        assert form.locator("legend").is_visible()
        assert form.locator("label", has_text=words).is_visible()
        printed = form.inner_text()
        assert not any(word in printed for word in ("ight.", "Answers", "check", "biases"))


def test_axe_finds_nothing_and_both_themes_can_be_read(ask, violations):
    choices, number = ask(CHOICES, NUMBER, head=LOOK)
    tab = choices.page
    choices.get_by_label("about 18 %").check()
    check(choices)
    number.get_by_role("textbox").fill("5")
    check(number)
    colors = []
    for theme in ("light", "dark"):
        tab.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        assert not violations(tab, ".nin-ask")
        colors.append(choices.evaluate("form => getComputedStyle(form).color"))
    assert len(set(colors)) == 2


def test_a_finger_meets_its_targets_on_a_phone(ask):
    forms = ask(CHOICES, NUMBER, **PHONE)
    for form in forms:
        for target in form.locator("label, button, input:not([type])").all():
            assert round(target.bounding_box()["height"], 2) >= 44
        for text in form.locator("legend, label, button, input, [role=status]").all():
            assert float(text.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")) >= 16
    assert forms[0].page.evaluate("document.documentElement.scrollWidth") <= 320


def test_its_code_is_a_tenth_of_a_figures():
    assert (files.FOLDER / "ask.mjs").stat().st_size < 3_000


# ---- on the site


def test_a_page_with_a_question_alone_gets_the_loader_and_no_word_about_figures():
    here = CHOICES._repr_mimebundle_()[0]["text/html"]
    page = nin_sphinx.load_figures(here)
    assert page == here + live.base.scripts()
    assert nin_sphinx.load_figures("<p>text</p>") == "<p>text</p>"


@pytest.mark.parametrize("shows", ["nin-ask", "nin-table"])
def test_the_site_hides_the_code_that_tells_the_answer(shows):
    cell = nodes.container(nb_element="cell_code", cell_metadata={"tags": ["hide-input"]})
    cell += nodes.container("", nodes.literal_block("", "code"), nb_element="cell_code_source")
    output = nodes.raw("", f'<div class="{shows}">', format="html")
    cell += nodes.container("", output, nb_element="cell_code_output")
    nin_cells.fold(cell)
    assert ("code" in cell.astext()) is (shows == "nin-table")
    assert shows in cell.astext()


# ---- several numbers, as the exercises on the site ask for them

NUMBERS = live.AskNumbers(
    "Exercise 0.1: your numbers",
    {"direct": 112_896_000, "share": 0.5},
    about={"direct": "multiplications of the 5×5 layer alone, at all of its positions together"},
    slips={"direct": {576_000: "At how many positions?"}},
    within={"share": 0.01},
    praise="Half of them.",
    otherwise="Count the pairs.",
)


def test_numbers_are_checked_together_and_the_first_that_is_wrong_is_named(ask):
    choices, form = ask(CHOICES, NUMBERS)
    group = form.get_by_role("group", name="Exercise 0.1: your numbers")
    direct = group.get_by_role("textbox", name="direct: multiplications of the 5×5 layer")
    share = group.get_by_role("textbox", name="share")
    for one, other, words in (
        ("", " ", "Write a number first."),
        ("112,896,000", "", "✓ Right so far. Still open: 1 of the numbers."),
        ("", "0.5", "✓ Right so far. Still open: 1 of the numbers."),
        ("576000", "0.5", "✗ Not right. direct: At how many positions?"),
        ("576,000", "7", "✗ Not right. direct: At how many positions?"),
        ("5", "0.5", "✗ Not right. direct: Count the pairs."),
        ("112896000", "0.6", "✗ Not right. share: Count the pairs."),
        ("112 896 000", "0,504", "✓ Right. Half of them."),
        ("112896000", "50 %", "✓ Right. Half of them."),
        ("112896000", "half", "“half” cannot be read as a number. Write it as 131,584,"),
    ):
        direct.fill(one)
        share.fill(other)
        expect(said(form)).to_have_text("")
        share.press("Enter")
        expect(said(form)).to_contain_text(words)
        expect(said(choices)).to_have_text("")
    answered = form.get_by_text("At how many positions?")
    assert not any(place.is_visible() for place in answered.all())


def test_one_number_is_a_form_of_several_too(ask):
    one = live.AskNumbers("How many?", {"all": 6}, praise="So it is.", otherwise="Count.")
    [form] = ask(one)
    for written, words in (("5", "✗ Not right. all: Count."), ("6", "✓ Right. So it is.")):
        form.get_by_role("textbox").fill(written)
        check(form)
        expect(said(form)).to_have_text(words)


def test_many_boxes_fit_a_phone_a_finger_axe_and_a_page_without_scripts(ask, violations):
    [form] = ask(NUMBERS, **PHONE)
    for target in form.locator("button, input").all():
        assert round(target.bounding_box()["height"], 2) >= 44
    assert form.page.evaluate("document.documentElement.scrollWidth") <= 320
    assert not violations(form.page, ".nin-ask")
    height = form.bounding_box()["height"]
    [form] = ask(NUMBERS, java_script_enabled=False, **PHONE)
    assert form.bounding_box()["height"] == height  # nothing moves when scripts come
    assert not form.get_by_role("button").count()
    assert not form.get_by_text("At how many positions?").is_visible()
    form.get_by_text("Answers").click()
    assert form.get_by_text("At how many positions?").is_visible()


def stub_of(number, tags=()):
    """The cell of an exercise, as the site gets it."""
    cell = nodes.container(nb_element="cell_code", cell_metadata={"tags": [*tags]})
    code = nodes.literal_block("", f'x = ...\ncheck.answer("{number}", x)')
    cell += nodes.container("", code, nb_element="cell_code_source")
    nin_cells.make_exercise(cell)
    return cell


@pytest.mark.parametrize("number", ["1.1", "1.3", "1.5", "7.1"])
def test_an_exercise_of_another_kind_or_of_an_unfinished_chapter_gets_no_boxes(number):
    assert not nin_cells.is_question(stub_of(number))


@pytest.mark.slow
@pytest.mark.parametrize("number", ["1.2", "2.2", "3.2", "3.3", "4.2", "5.2", "5.4", "6.2"])
def test_an_exercise_for_numbers_gets_its_boxes_above_its_stub(open_tab, tmp_path, number):
    exercise, cell = nin_check.boxes(number), stub_of(number)
    raw, stub = cell.children
    assert stub.astext() == "x = ..."
    tab, file = open_tab(), tmp_path / "exercise.html"
    source = live.base.data_url("text/javascript", (files.FOLDER / "ask.mjs").read_bytes())
    html = raw.astext().replace("live/ask.mjs", source)
    file.write_text(f"<!doctype html>{MOBILE}{html}{live.base.scripts()}", encoding="utf-8")
    tab.goto(file.as_uri())
    form = tab.locator("form[data-ready]")
    boxes = form.get_by_role("textbox").all()
    assert len(boxes) == len(exercise.boxes)
    for box, of in zip(boxes, exercise.boxes, strict=True):
        for wrong, hint in of.slips.items():
            box.fill(f"{wrong:.12g}")
            check(form)
            expect(said(form)).to_contain_text(f"Not right. {of.name}: {hint}")
        box.fill(f"{of.wanted:,}")
        check(form)
        expect(said(form)).to_contain_text("Right")
        expect(said(form)).not_to_contain_text("Not right")
    expect(said(form)).to_contain_text(exercise.praise.replace("`", ""))

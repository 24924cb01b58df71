"""The live figures in a browser: they mount, answer keys, add up, and fail in words."""

import re
from decimal import Decimal

import pytest
from chapters import FIRST, SCREENS
from harness import Shown
from pictures import PICTURES

from nin_lib import live

#: The height of the lines of a result that stay in sight, or of all if they are fewer.
STUCK = """says => {
    const {lineHeight, paddingTop} = getComputedStyle(says);
    return Math.min(says.offsetHeight, 3 * parseFloat(lineHeight) + parseFloat(paddingTop));
}"""
FIGURES = {
    "index": ("0",),
    "01_one_by_one_convolution": ("1.1", "1.4", "1.5"),
    "02_mlpconv": ("2.1", "2.5"),
    "04_global_average_pooling": ("4.1", "4.4"),
    "05_class_maps": ("5.1", "5.4"),
    "06_what_a_network_costs": ("6.3",),
    "07_training_on_a_gpu": ("7.1",),
    "09_when_nin_does_not_train": ("9.1",),
    "11_after_nin": ("11.1",),
}


def each_page(names):
    """A test, of what all figures share, for each page."""
    other = {name: pytest.mark.each for name in names if not {*FIGURES[name]} & {*FIRST}}
    params = [pytest.param(name, marks=other.get(name, ())) for name in names]
    return pytest.mark.parametrize("name", params)


def numbers(text):
    """The decimal numbers of a text, with its true minus signs."""
    return [Decimal(n.replace("−", "-")) for n in re.findall(r"[−-]?\d+(?:\.\d+)?", text)]


def check_sum(sentence):
    """The sum that a sentence writes out, recomputed from what it prints."""
    terms, total = re.search(r": (.*) = (−?[\d.]+)", sentence).groups()
    recomputed = Decimal(0)
    for term in re.split(r" \+ ", terms):
        product = Decimal(1)
        for factor in numbers(term):
            product *= factor
        recomputed += product
    assert recomputed == numbers(total)[0], sentence


@each_page([name for name in FIGURES if FIGURES[name] != ("9.1",)])
def test_the_figures_answer_the_arrow_keys(chapter, subtests, name):
    tab = chapter(name)
    for number in FIGURES[name]:
        with subtests.test(number):
            figure = Shown(tab, number).ready()
            keys = ("ArrowDown", "ArrowRight", "ArrowDown")
            if number == "11.1":  # which has one row
                keys = ("ArrowRight",) * 3
            said = [figure.press(on=0), *map(figure.press, keys)]
            assert len(set(said)) == 4, said
            figure.hears(said[-1])


@pytest.mark.parametrize(("number", "side"), [("1.1", 12), ("1.4", 4), ("1.5", 4)])
def test_every_displayed_sum_adds_up(chapter, number, side):
    figure = Shown(chapter("01_one_by_one_convolution"), number).ready()
    figure.walk(["ArrowUp", "ArrowLeft"] * side)
    keys = [["ArrowRight", "ArrowLeft"][row % 2] for row in range(side) for _ in range(side)]
    keys[side - 1 :: side] = ["ArrowDown"] * side
    said = [figure.says(), *figure.walk(keys[:-1])]
    cells = [(row, i) for row in range(side) for i in range(side)[:: [1, -1][row % 2]]]
    for (row, column), sentence in zip(cells, said, strict=True):
        assert f"ow {row}, column {column}: " in sentence
        check_sum(sentence)


def test_a_weight_moves_the_whole_map_and_shuffling_moves_only_pixels(chapter):
    figure = Shown(chapter("01_one_by_one_convolution"), "1.1").ready()
    picture = "e => e.getContext('2d').getImageData(0, 0, 12, 12).data.join()"
    output = figure.root.locator(".out canvas")
    before, said = output.evaluate(picture), figure.says()
    figure.root.locator("input[type=range]").first.focus()
    assert figure.press("ArrowLeft") != said
    check_sum(figure.says())
    assert output.evaluate(picture) != before

    figure.button("start again").click()
    assert figure.says() == said
    figure.root.get_by_label("shuffle the pixels").check()
    shuffled = figure.says()
    assert shuffled.split(": ")[1].startswith(said.split(": ")[1].rstrip("."))
    assert f"was at {said.split(':')[0].lower()}" in shuffled
    pixels = [output.evaluate(picture).split(",")[i : i + 4] for i in range(0, 576, 4)]
    original = [before.split(",")[i : i + 4] for i in range(0, 576, 4)]
    assert pixels != original and sorted(pixels) == sorted(original)


def test_a_unit_of_the_second_layer_reads_the_first(chapter):
    figure = Shown(chapter("01_one_by_one_convolution"), "1.4").ready()
    figure.root.get_by_label("output 2").check(force=True)
    check_sum(figure.says())
    assert len(figure.root.locator(".line input[type=range]").all()) == 7


def test_the_network_in_the_page_says_what_its_numbers_say(chapter):
    figure = Shown(chapter("02_mlpconv", "#fig-2.5:side=after"), "2.5").ready()
    assert figure.root.locator(".nin-body").get_attribute("data-path") == "WASM"
    sentence = figure.says()
    total, bias, value = numbers(sentence.split("products,")[1])[:3]
    assert abs(total + bias - value) <= Decimal("0.0001")  # three numbers, each rounded once
    rows = figure.table()
    products = [row for row in rows if row[0].isdigit()]
    assert len(products) == 32
    for _, value, weight, product in products:
        value, weight, product = (float(n.replace("−", "-")) for n in (value, weight, product))
        assert abs(value * weight - product) <= 6e-5 * (1 + abs(value) + abs(weight))
    printed = sum(
        float(row[3].replace("−", "-")) for row in rows if row[0] == "bias" or row in products
    )
    [row] = [row for row in rows if row[0] == "sum"]
    assert abs(float(row[3].replace("−", "-")) - printed) <= 34 * 5e-5


def test_a_held_unit_changes_the_map_everywhere_and_a_pin_is_kept(chapter):
    figure = Shown(chapter("02_mlpconv", "#fig-2.5:side=after&pinned=[]"), "2.5").ready()
    figure.button("pin this pixel").click()
    assert "At the pinned row" in figure.press("ArrowRight", on=0)
    figure.root.get_by_label("hold this unit at").check()
    said = figure.says()
    assert "1×1 unit 0 of block 1 is held at 0.00 at every position. Without that it" in said
    assert "pinned" not in said and "adds" not in said  # its value is the same everywhere
    figure.field("unit").select_option("1×1 unit 1")
    assert "Held at every position: 1×1 unit 0 of block 1, at 0.00." in figure.says()
    assert "At the pinned row" in figure.says()
    figure.field("unit").select_option("1×1 unit 0")
    pixels = "e => [...e.getContext('2d').getImageData(0, 0, 14, 14).data]"
    colors = figure.root.locator(".right canvas").evaluate(pixels)
    assert len({tuple(colors[i : i + 4]) for i in range(0, len(colors), 4)}) == 1


@pytest.mark.slow
def test_without_webassembly_the_network_runs_in_javascript(chapter):
    figure = Shown(chapter("02_mlpconv", script="delete globalThis.WebAssembly"), "2.5").ready()
    assert figure.root.locator(".nin-body").get_attribute("data-path") == "JavaScript"
    assert "The network predicts" in figure.says()


@pytest.mark.slow
def test_weights_that_fail_to_load_are_said_and_asked_for_again(chapter):
    tab = chapter(
        "02_mlpconv",
        script="""
        const fetched = globalThis.fetch;
        globalThis.fetch = (...given) => globalThis.broken === false
            ? fetched(...given) : Promise.reject(new Error("no network"));
    """,
    )
    figure = Shown(tab, "2.5")
    figure.root.scroll_into_view_if_needed()
    figure.root.get_by_text("did not load").first.wait_for()
    tab.evaluate("globalThis.broken = false")
    figure.button("try again").click()
    assert "The network predicts" in figure.ready().says()


def test_the_address_holds_the_state(chapter):
    tab = chapter("01_one_by_one_convolution", "#fig-1.1:row=2&column=3&shuffled=true")
    figure = Shown(tab, "1.1").ready()
    assert figure.says().startswith("Row 2, column 3") and "shuffled" in figure.says()
    figure.button("copy link").click()
    tab.wait_for_url(re.compile(r"#fig-1\.1:z[\w-]+$"))
    tab = chapter("01_one_by_one_convolution", "#fig-1.1:row=99&column=%22x%22&layer=1e9")
    assert Shown(tab, "1.1").ready().says().startswith("Row 11, ")


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("name", "number"), [("01_one_by_one_convolution", "1.1"), ("02_mlpconv", "2.5")]
)
def test_the_readers_own_picture_just_works(chapter, subtests, name, number):
    figure = Shown(chapter(name), number).ready()
    values = {"one pixel": "1 × 0.90 + 0 ×", "transparent": "1 × 0.90 + 1 ×"}
    for kind, picture in PICTURES.items():
        with subtests.test(kind):
            figure.button("start again").click()
            figure.says()
            figure.choose_file("mine.png", picture)
            figure.tab.wait_for_timeout(300)
            sentence = figure.says()
            assert not figure.alert.count()
            if number == "1.1":
                check_sum(sentence)
                assert values.get(kind, "") in sentence
            else:
                assert "The network predicts" in sentence


@pytest.mark.slow
def test_what_is_no_picture_gets_a_sentence_and_loses_nothing(chapter, subtests, tmp_path):
    figure = Shown(chapter("01_one_by_one_convolution"), "1.1").ready()
    before = figure.says()
    for name, content, words in (
        ("notes.txt", b"no picture", "cannot read “notes.txt”"),
        ("cut.png", PICTURES["gray"][:40], "cannot read “cut.png”"),
        ("empty.png", b"", "empty"),
        ("huge.png", bytes(41_000_000), "up to 40 MB"),
    ):
        with subtests.test(name):
            (tmp_path / name).write_bytes(content)
            figure.picker.set_input_files(tmp_path / name)
            figure.alert.filter(has_text=words).wait_for()
            assert figure.says() == before


@pytest.mark.slow
@pytest.mark.parametrize("screen", SCREENS)
@each_page(FIGURES)
def test_a_result_stays_in_sight_on_its_page(chapter, subtests, name, screen):
    """While the figure's head is below the site's bar, and while it comes into sight."""
    tab = chapter(name, viewport=SCREENS[screen]["viewport"])
    for number in FIGURES[name]:
        with subtests.test(number):
            figure = Shown(tab, number).ready()
            for above in (70, 300):
                figure.root.evaluate(
                    "(e, y) => scrollBy(0, e.getBoundingClientRect().top - y)", above
                )
                figure.settle()
                lines = figure.sentence.evaluate(STUCK)
                box = figure.sentence.bounding_box()
                assert box["y"] + lines <= tab.viewport_size["height"] + 1


@each_page(FIGURES)
def test_without_javascript_there_is_a_picture_and_its_numbers(chapter, name):
    tab = chapter(name, java_script_enabled=False)
    for number in FIGURES[name]:
        fallback = Shown(tab, number).fallback
        assert fallback.locator("svg").first.is_visible(), number
        assert numbers(fallback.locator("p").last.inner_text()), number


@each_page(FIGURES)
def test_a_module_that_does_not_load_leaves_the_first_state_and_a_sentence(open_tab, address, name):
    tab = open_tab()
    tab.route("**/*.mjs", lambda route: route.abort())
    tab.goto(f"{address}/{name}.html")
    for number in FIGURES[name]:
        figure = Shown(tab, number)
        figure.root.scroll_into_view_if_needed()
        figure.root.get_by_text("did not load").wait_for()
        assert figure.fallback.locator("svg").first.is_visible(), number


@each_page(FIGURES)
def test_axe_finds_nothing_in_the_figures(chapter, violations, name):
    tab = chapter(name)
    figures = [Shown(tab, number) for number in FIGURES[name]]
    for figure in figures:
        figure.ready().table()
    tab.wait_for_timeout(300)
    assert not violations(tab, ".nin-live")
    for figure in figures:
        figure.darken()
    tab.wait_for_timeout(300)
    assert not violations(tab, ".nin-live", only_contrast=True)


@each_page(FIGURES)
def test_the_figures_fit_a_phone(chapter, name):
    tab = chapter(name, viewport={"width": 320, "height": 700})
    for number in FIGURES[name]:
        assert Shown(tab, number).ready().fits(), number
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_code_a_figure_copies_computes_what_the_figure_says(chapter):
    figure = Shown(chapter("01_one_by_one_convolution"), "1.4").ready()
    figure.root.get_by_label("output 1").check(force=True)
    _, printed = figure.code()
    wanted = float(numbers(re.search(r"= (−?[\d.]+)", figure.says())[1])[0])
    assert float(printed[0]) == wanted


def test_the_code_of_the_network_figure_computes_its_value(chapter):
    """With the reader's own picture and a unit held."""
    figure = Shown(
        chapter("02_mlpconv", "#fig-2.5:held=[1,1,3,2]&block=2&unit=5&side=after"), "2.5"
    ).ready()
    figure.choose_file("mine.png", PICTURES["gray"])
    figure.field("image").locator("option[value='-1']:checked").wait_for(state="attached")
    [value] = [row[-1] for row in figure.table() if "after the ReLU" in " ".join(row)]
    _, printed = figure.code()
    assert printed[1] == f"after the ReLU: {value}"


@pytest.mark.parametrize("kind", [live.OnePixel, live.InsidePixel])
def test_a_figure_in_one_piece_lives_without_a_server(shown, kind):
    """As for hosts where the widget does not appear: ``display(HTML(figure.html()))``."""
    figure = shown(kind(number="1.1"))
    before = figure.press(on=0)
    assert ("The network predicts" if kind is live.InsidePixel else "Row") in before
    assert figure.press("ArrowDown") != before


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("#fig-1.1:row=many", "does not have (row)"),
        ("#fig-1.1:color=red&row=2", "does not have (color)"),
        ("#fig-1.1:row", "does not have (row)"),
        ("#fig-1.1:row=%E0%A4%A", "does not have (row)"),
        ("#fig-1.1:row=12&column=2", "does not have (row)"),
        ("#fig-1.1:row=-1", "does not have (row)"),
    ],
)
def test_an_address_that_asks_for_what_there_is_not_says_so(chapter, fragment, words):
    figure = Shown(chapter("01_one_by_one_convolution", fragment), "1.1").ready()
    assert words in figure.note.inner_text()
    assert figure.says().startswith("Row 2" if "row=2" in fragment else "Row")

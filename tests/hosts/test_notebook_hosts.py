"""The figures in JupyterLab, and with ipywidgets 7.7 as in Colab: live, and heard by Python."""

import re
import subprocess
import sys
import sysconfig
from contextlib import suppress

import notebook_hosts
import pytest
from playwright.sync_api import TimeoutError

pytestmark = pytest.mark.slow
OPTIONS = ["--no-browser", "--ip=127.0.0.1", "--allow-root"]


def drive(page, output):
    """Arrow keys move the cursor, a Python slider moves it too, and Python reads it."""
    figure = page.locator(".nin-figure").first
    figure.wait_for(timeout=180_000)  # the first import of torch reads gigabytes
    said = figure.locator(".nin-says")
    assert said.inner_text().startswith("Row 5, column 4: 0.93 × 0.90")
    figure.locator("[role=application]").first.press("ArrowRight")
    figure.locator(".nin-says", has_text="Row 5, column 5").wait_for()
    page.wait_for_timeout(500)  # the kernel hears of it a moment later

    output(1)
    handle = page.locator(".noUi-handle, .ui-slider-handle").first
    handle.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    figure.locator(".nin-says", has_text="Row 2, column 5").wait_for()
    page.wait_for_timeout(500)

    output(2)
    page.get_by_text("python sees row 2 column 5").wait_for()

    output(3)
    drawn = page.locator(".nin-average")
    drawn.scroll_into_view_if_needed(timeout=60_000)  # off screen it sleeps
    drawn.locator(".nin-says", has_text="The network predicts Pullover").wait_for(timeout=60_000)
    drawn.locator("[role=application]").first.press("Space")
    drawn.locator(".nin-says", has_text="When the image was chosen").wait_for()
    drive_networks(page, output)
    drive_training(page, output)
    output(8)
    for name in ("bend", "inside-pixel", "where"):
        figure, _ = shown(page, name)
        before = figure.locator(".nin-says").inner_text()
        figure.locator("[role=application]").first.press("ArrowRight")
        figure.locator(".nin-says").filter(has_not_text=before).wait_for()
    output(9)
    learned, says = shown(page, "train_here")  # whose script and garments come from the kernel
    learned.locator(".go button").first.click()
    says("After epoch 1 of 1 the network names")
    drive_questions(page, output)
    assert not re.search("did not load", page.content())


def drive_questions(page, output):
    """Choices and boxes are answered by keyboard, and the notebook takes no key for its own."""
    output(10)
    choice = page.get_by_role("group", name="Which?")
    choice.get_by_label("that").press("Space")
    choice.get_by_role("button", name="check").press("Enter")
    status = choice.get_by_role("status")
    status.filter(has_text="Not right. Count again.").wait_for(timeout=60_000)
    output(11)
    numbers = page.get_by_role("group", name="How many?")
    numbers.get_by_role("textbox").first.wait_for(timeout=60_000)
    direct, half = numbers.get_by_role("textbox").all()
    status = numbers.get_by_role("status")
    for one, other, words in (
        ("6", "0.5", "Not right. direct: Where?"),
        ("600", "a half", "“a half” cannot be read as a number."),
        ("600", "0.5", "Right. So it is."),
    ):
        for _ in range(3):  # a notebook that makes a new cell may take the focus back
            direct.fill(one)
            half.fill(other)
            half.press("Enter")
            with suppress(TimeoutError):
                status.filter(has_text=words).wait_for(timeout=10_000)
                break
        assert words in status.inner_text()


def shown(page, name):
    """A figure on the screen, and what waits until its sentence says something."""
    figure = page.locator(f".nin-{name}")
    figure.scroll_into_view_if_needed(timeout=60_000)
    figure.locator(".nin-body:not(.waiting)").wait_for(timeout=60_000)
    return figure, lambda text: figure.locator(".nin-says", has_text=text).wait_for(timeout=60_000)


def drive_training(page, output):
    """The figure of chapter 9 trains in its worker until the network is dead; Python hears which
    unit and which step are looked at."""
    output(6)
    dying, says = shown(page, "die")
    says("Step 0")
    dying.locator(".raster").press("Space")
    says("Dead: the loss is that of equal chances")
    assert dying.locator(".flag").inner_text() == "dead from step 69"
    dying.locator(".raster").press("Home")
    dying.locator(".raster").press("ArrowUp")
    says("class map of Coat")
    page.wait_for_timeout(500)
    output(7)
    page.get_by_text("python has 114 0 Settings(").wait_for()


def drive_networks(page, output):
    """The figures of chapters 3 and 4: the keys change their numbers, these add up, and Python
    hears of it."""
    output(4)

    def shares(numbers):
        """Ten whole percentages, each rounded on its own."""
        assert abs(sum(map(int, numbers)) - 100) <= 5, numbers

    spent, says = shown(page, "budget")
    says("3×3, width 24, one 1×1 layer, global average: ")
    before = spent.locator(".nin-says").inner_text()
    for _ in range(3):  # a notebook that is still laying out its outputs may take the focus back
        spent.locator("[role=application]").press("End")  # the dearest of the trained networks
        with suppress(TimeoutError):
            spent.locator(".nin-says").filter(has_not_text=before).wait_for(timeout=20_000)
            break
    said = spent.locator(".nin-says").inner_text()
    terms, total = re.search(r"By block, ([\d,+ ]+) = ([\d,]+) parameters", said).groups()
    whole = [int(term.replace(",", "")) for term in [*terms.split(" + "), total]]
    assert sum(whole[:-1]) == whole[-1]
    width, head = re.search(r"width (\d+),.* (average|connected): ", said).groups()

    slid, says = shown(page, "slide")
    slid.get_by_label("both alike").check()
    slid.locator(".frame").press("ArrowRight")
    says(re.compile(r"Moved 1 right: neither head has lost it\. The average head gives"))
    for bars in slid.locator(".scores").all():
        shares(bars.locator(".nin-number").all_inner_texts())

    laid, says = shown(page, "canvas")
    laid.locator(".frame").press("ArrowDown")
    says("at row 3, column 2; ")
    numbers = laid.locator(".scores .nin-boxed .nin-number").all_inner_texts()
    shares(numbers[::2])
    shares(numbers[1::2])

    broken, says = shown(page, "break-map")
    says("|r| = ")
    broken.get_by_label("blocks reinitialized").press("Home")
    says("|r| = 1.000")
    broken.locator("[role=application]").press("Home")
    broken.locator("[role=application]").press("ArrowRight")
    says("column 1 of the map")
    page.wait_for_timeout(500)

    output(5)
    page.get_by_text(f"python has {width} {head} 1 [9, 3, 2] 0").wait_for()


def test_jupyterlab(browser, tmp_path):
    pytest.importorskip("jupyterlab")
    notebook_hosts.notebook(tmp_path / "figure.ipynb")
    command = [sys.executable, "-m", "jupyterlab", *OPTIONS, "--ServerApp.token="]
    with notebook_hosts.Server(command, tmp_path) as address:
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.goto(f"{address}lab/tree/figure.ipynb")
        # Where the kernel starts late, JupyterLab asks which one is meant, over everything else.
        page.add_locator_handler(
            page.locator(".jp-Dialog"), lambda dialog: dialog.locator(".jp-mod-accept").click()
        )
        cells = page.locator(".jp-CodeCell")
        cells.nth(2).wait_for(timeout=90_000)
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=90_000)

        def run(n):
            cells.nth(n).locator(".cm-content").click()
            page.keyboard.press("Shift+Enter")

        for _ in range(4):  # a key that comes before the kernel is ready is lost
            run(0)
            with suppress(TimeoutError):
                page.locator(".nin-figure").first.wait_for(timeout=45_000)
                break
        drive(page, run)
        page.close()


@pytest.fixture(scope="module")
def old_widgets(tmp_path_factory):
    """An environment with ipywidgets 7.7 and its notebook, over the packages of this one."""
    folder = tmp_path_factory.mktemp("old") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    wanted = ["ipywidgets==7.7.1", "anywidget", "notebook<7", "ipykernel", "setuptools<81"]
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *wanted], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"ipywidgets 7.7 cannot be installed here: {done.stderr[-300:]}")
    [site] = folder.glob("lib/python*/site-packages")
    behind = sysconfig.get_path("purelib")
    (site / "zz_behind.pth").write_text(f"import site; site.addsitedir({behind!r})\n")
    return python


def test_ipywidgets_7_7(browser, tmp_path, old_widgets):
    version = [old_widgets, "-c", "import ipywidgets; print(ipywidgets.__version__)"]
    assert subprocess.check_output(version, text=True).strip() == "7.7.1"
    notebook_hosts.notebook(tmp_path / "figure.ipynb")
    command = [old_widgets, "-m", "notebook", *OPTIONS, "--NotebookApp.token="]
    with notebook_hosts.Server(command, tmp_path) as address:
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.goto(f"{address}notebooks/figure.ipynb")
        page.locator(".code_cell").nth(2).wait_for(timeout=90_000)
        page.wait_for_function("Jupyter.notebook.kernel && Jupyter.notebook.kernel.is_connected()")

        def run(n):
            page.evaluate("n => Jupyter.notebook.get_cell(n).execute()", n)

        for _ in range(3):  # the notebook may take a cell before it can show widgets
            run(0)
            with suppress(TimeoutError):
                page.locator(".nin-figure").first.wait_for(timeout=60_000)
                break
        drive(page, run)
        page.close()

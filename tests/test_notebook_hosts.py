"""The figures in JupyterLab, and with ipywidgets 7.7 as in Colab: live, and heard by Python."""

import re
import subprocess
import sys
import sysconfig

import notebook_hosts
import pytest

OPTIONS = ["--no-browser", "--ip=127.0.0.1", "--allow-root"]


def drive(page, output):
    """Arrow keys move the cursor, a Python slider moves it too, and Python reads it."""
    figure = page.locator(".nin-figure").first
    figure.wait_for(timeout=180_000)  # the first import of torch reads gigabytes
    said = figure.locator(".nin-says")
    assert said.inner_text().startswith("Row 5, column 4: 0.93 × 0.90")
    figure.locator("[role=application]").first.focus()
    page.keyboard.press("ArrowRight")
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
    drawn.locator(".nin-says", has_text="The network says Pullover").wait_for(timeout=60_000)
    drawn.locator("[role=application]").first.focus()
    page.keyboard.press("Space")
    drawn.locator(".nin-says", has_text="When the picture was picked").wait_for()
    assert not re.search("did not load", page.content())


def test_jupyterlab(browser, tmp_path):
    pytest.importorskip("jupyterlab")
    notebook_hosts.notebook(tmp_path / "figure.ipynb")
    command = [sys.executable, "-m", "jupyterlab", *OPTIONS, "--ServerApp.token="]
    with notebook_hosts.Server(command, tmp_path) as address:
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.goto(f"{address}lab/tree/figure.ipynb")
        cells = page.locator(".jp-CodeCell")
        cells.nth(2).wait_for(timeout=90_000)
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=90_000)

        def run(n):
            cells.nth(n).locator(".cm-content").click()
            page.keyboard.press("Shift+Enter")

        run(0)
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

        run(0)
        drive(page, run)
        page.close()

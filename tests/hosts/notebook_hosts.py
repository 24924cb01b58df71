"""Drive a live figure in a notebook server: JupyterLab, or the classic notebook that Colab's
ipywidgets 7.7 belongs to.
"""

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

CELLS = (
    "from nin_lib import live\nfigure = live.OnePixel(number='1.1', row=5, column=4)\nfigure",
    "import ipywidgets\nslider = ipywidgets.IntSlider(value=5, max=11)\n"
    "ipywidgets.jslink((slider, 'value'), (figure, 'row'))\nslider",
    "print('python sees row', figure.row, 'column', figure.column)",
    "check = live.Average(number='5.1')\ncheck",  # its network's weights come from the kernel
    "names = 'Budget', 'Slide', 'BiggerCanvas', 'BreakMap'\n"
    "many = [getattr(live, name)(number=name) for name in names]\ndisplay(*many)",
    "spent, slid, laid, broken = many\n"
    "print('python has', spent.width, spent.head, slid.right, laid.items[0], broken.redrawn)",
    "dying = live.Die(number='9.1')\ndying",
    "print('python has', dying.unit, dying.step, dying.settings())",
    "rest = live.Bend(number='2.1'), live.InsidePixel(number='2.2')\n"
    "display(*rest, live.WhereOnes(number='11.1'))",
    "learned = live.TrainHere(number='7.1', network='twin', epochs=1)\nlearned",
    "live.Ask('Which?', {'this': 'So it is.', 'that': 'Count again.'}, right='this')",
    "live.AskNumbers('How many?', {'direct': 600, 'half': 0.5}, slips={'direct': {6: 'Where?'}},\n"
    "    praise='So it is.', otherwise='Count again.')",
)


def notebook(path: Path) -> Path:
    cells = [
        {"cell_type": "code", "id": str(i), "execution_count": None, "metadata": {},
         "outputs": [], "source": source}
        for i, source in enumerate(CELLS)
    ]  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(whole))
    return path


class Server:
    """A notebook server on a folder, for the time of a ``with``: its address."""

    def __init__(self, command: list, folder: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.command = [*command, f"--port={self.port}"]
        self.folder = folder

    def __enter__(self) -> str:
        log = self.folder / "server.log"
        own = {f"JUPYTER_{kind}_DIR": str(self.folder / kind) for kind in ("RUNTIME", "CONFIG")}
        self.process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=os.environ | own,
            stdout=log.open("w"),
            stderr=subprocess.STDOUT,
        )
        address = f"http://127.0.0.1:{self.port}/"
        for _ in range(120):
            try:
                urlopen(address + "api").read()
                return address
            except OSError:
                time.sleep(0.5)
        self.process.kill()
        raise RuntimeError(log.read_text()[-2000:])

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

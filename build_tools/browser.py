"""The built site in a browser, for what measures and prints it: Chromium, or Firefox where
NIN_BROWSER asks for it, and a server that compresses as hosts do."""

import gzip
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, Playwright

# The shell has no windows to draw: a page takes it a third of the time.
KNOWN = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FIREFOX = ("firefox-esr", "firefox")
TEXT = {".html", ".css", ".js", ".mjs", ".svg", ".xml", ".json", ".ipynb", ".md"}


def wants_firefox() -> bool:
    return os.environ.get("NIN_BROWSER") == "firefox"


def find(known=None) -> str | None:
    """The path of the browser on this machine."""
    known = known or (FIREFOX if wants_firefox() else KNOWN)
    return next(filter(None, map(shutil.which, known)), None)


def launch(playwright: Playwright, known=None) -> Browser:
    """Open Chromium, or Firefox as its makers ship it, spoken to by WebDriver BiDi."""
    if wants_firefox():
        return playwright.firefox.launch(channel="moz-firefox", executable_path=find(known))
    return playwright.chromium.launch(executable_path=find(known), args=FLAGS)


@cache
def packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 6)


class Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        takes = "gzip" in self.headers.get("Accept-Encoding", "")
        if path.suffix not in TEXT or not path.is_file() or not takes:
            return super().do_GET()
        body = packed(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        """A browser that closes a page while it loads is no error; any other is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*_)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's address on this machine, while the block lasts."""
    server = Server(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()

"""A figure in a browser tab, driven as a reader does it: alone in a file, or on a page of the site.

What all figures' frame is made of, its classes and the words on its buttons, stands here alone.
"""

import json

from playwright.sync_api import expect

PATIENCE = 60_000  # ms; a machine may be busy with other work
expect.set_options(timeout=PATIENCE)
#: A figure that can be used: drawn, its weights loaded, no network still running.
READY = "[data-ready=true]:has(.nin-body:not(.waiting, [aria-busy]))"
#: What a figure, by its number, says once it has computed what it starts with.
STARTED = {"2.1": "parameters", "5.4": "on average over 20 draws"}

#: What is folded on a phone.
TOOLS = {"your own image", "as table", "hide table", "copy as PyTorch", "copy link", "start again"}

SETTLE = """async (figure) => {
    const body = figure.querySelector(".nin-body"), start = performance.now();
    for (let calm = 0; calm < 2; calm = body.hasAttribute("aria-busy") ? 0 : calm + 1) {
        if (performance.now() - start > PATIENCE) throw new Error("the figure stays busy");
        await new Promise(requestAnimationFrame);
    }
}""".replace("PATIENCE", str(PATIENCE))
SAID = """(figure) => figure.querySelector(".nin-says").innerText"""
GO = """(figure, state) => new Promise((done) => {
    const before = location.hash;
    addEventListener("hashchange", done, { once: true });
    location.hash = `fig-${figure.dataset.number}:${state}`;
    if (location.hash === before) done();
})"""
#: The words that are cut by their box or by the figure's edge, and those that lie on others.
CUT = """(figure) => {
    const stage = figure.querySelector(".nin-stage");
    const words = document.createTreeWalker(stage, NodeFilter.SHOW_TEXT);
    const elsewhere = "svg, option, .nin-only-heard, .nin-scroll, .nin-says, .hint";
    const edge = figure.getBoundingClientRect(), lines = [], found = new Set();
    for (let node; (node = words.nextNode()); ) {
        const parent = node.parentElement, text = node.data.trim(), range = document.createRange();
        const seen = parent.checkVisibility({ visibilityProperty: true, opacityProperty: true });
        if (!text || !seen || parent.closest(elsewhere)) continue;
        range.selectNodeContents(node);
        for (const line of range.getClientRects()) {
            if (line.width < 1) continue;
            const middle = (line.top + line.bottom) / 2, boxes = [edge];
            lines.push({ text, node, line });
            for (let box = parent; box !== figure; box = box.parentElement) {
                const { contain, overflowX } = getComputedStyle(box);
                if (/paint|strict|content/.test(contain) || overflowX !== "visible")
                    boxes.push(box.getBoundingClientRect());
            }
            if (boxes.some(({ left, right, top, bottom }) => line.left < left - 1
                    || line.right > right + 1 || middle < top || middle > bottom))
                found.add(`${text} is cut`);
        }
    }
    for (const { text, node, line: a } of lines)
        for (const { text: other, node: second, line: b } of lines) {
            const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (node !== second && across > 1 && down > 0.3 * Math.min(a.height, b.height))
                found.add(`${text} lies on ${other}`);
        }
    return [...found];
}"""
KEY = """(figure, key) => document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }))"""
CELLS = "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText))"
PASTE = """(element, text) => {
    const carrier = new DataTransfer();
    carrier.setData("text/plain", text);
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carrier, bubbles: true }));
}"""


def alone(figure, head=""):
    """A page of one figure in one piece."""
    title = "<!doctype html><html lang=en><meta charset=utf-8><title>figure</title>"
    return f"{title}{head}{figure.html()}"


def button_of(root, name):
    """A button of a figure; on a phone the tools are unfolded for it."""
    fold = root.locator(".nin-fold[aria-expanded=false]")
    if name in TOOLS and fold.is_visible():
        fold.click()
    return root.get_by_role("button", name=name, exact=True)


def address_of(state):
    """A state as the page's address writes it."""
    written = {k: v if isinstance(v, str) else json.dumps(v) for k, v in state.items()}
    return "&".join(f"{key}={value}" for key, value in written.items())


class Shown:
    """A figure in a tab.

    Args:
        tab: the browser's page.
        number: of the figure, as in "1.1"; where it is alone it needs none.
    """

    def __init__(self, tab, number=None):
        self.tab = tab
        self.selector = f'[id="fig-{number}"]' if number else ".nin-live"
        self.root = tab.locator(self.selector)
        self.sentence = self.root.locator(".nin-says")
        self.foot = self.root.locator(".nin-foot")
        self.note = self.root.locator(".nin-aside")
        self.alert = self.root.locator("[role=alert]")
        self.picker = self.root.locator("input[type=file]")
        self.fallback = self.root.locator(".nin-fallback")

    def evaluate(self, script, argument=None):
        """What JavaScript of the figure's element, and of an argument, gives. Asked for through a
        locator the browser would send the element along, with all that its attributes hold."""
        element = f"document.querySelector({json.dumps(self.selector)})"
        return self.tab.evaluate(f"(argument) => ({script})({element}, argument)", argument)

    # ---- waiting

    def ready(self):
        """Scroll to it and wait until it can be used; the figure itself."""
        self.evaluate("(figure) => figure.scrollIntoView({ block: 'center' })")
        self.root.and_(self.tab.locator(READY)).wait_for(state="attached")
        words = STARTED.get(self.root.get_attribute("data-number"))
        return self.wait_for(words) if words else self

    def wait_for(self, words):
        """Wait until the sentence holds the words, a text or a pattern; the figure itself."""
        self.sentence.filter(has_text=words).wait_for()
        return self

    def wait_for_another(self, said):
        """Wait until the sentence is another than the one said."""
        expect(self.sentence).not_to_have_text(said)

    def settle(self):
        """Wait until the hand has rested and the network has run, and all of it is drawn."""
        self.evaluate(SETTLE)

    # ---- reading

    def says(self):
        [said] = self._steps("() => {}", [None], SAID)
        return said.replace("\u00a0", " ")

    def hears(self, words):
        """Those who listen come to hear the words, once all is still."""
        expect(self.root.locator(".nin-only-heard[role=status]")).to_have_text(words)

    def table(self):
        """The cells of the table's rows, those of its head left out; it stays open."""
        if (toggle := self.button("as table")).count():
            toggle.click()
        self.settle()
        return self.root.locator(".nin-panel tbody tr").evaluate_all(CELLS)

    def code(self):
        """What "copy as PyTorch" gives, and what it prints; several values in one are a tuple."""
        self.button("copy as PyTorch").click()
        code, printed = self.root.locator(".nin-panel pre").inner_text(), []
        exec(code, {"print": lambda *v: printed.append(v if len(v) > 1 else v[0])})
        return code, printed

    def fits(self):
        return self.root.locator(".nin-figure").evaluate("e => e.scrollWidth <= e.clientWidth")

    def cut(self):
        """Words of its drawing that cannot be read, because they are cut or lie on others."""
        return self.evaluate(CUT)

    # ---- acting

    def button(self, name):
        return button_of(self.root, name)

    def radio(self, name):
        return self.root.get_by_role("radio", name=name, exact=True)

    def field(self, label):
        return self.root.get_by_label(label, exact=True)

    def grid(self, place=0):
        """One of its pictures that have a cursor."""
        return self.root.locator("[role=application]").nth(place)

    def press(self, *keys, on=None):
        """Press keys, on the picture of that place where one is given; what it then says."""
        if on is not None:
            self.grid(on).focus()
        for key in keys:
            self.tab.keyboard.press(key)
        return self.says()

    def go(self, **state):
        """Set the state as the page's address does; what it then says."""
        [said] = self.tour([state])
        return said.replace("\u00a0", " ")

    def tour(self, states, look=SAID):
        """What ``look``, JavaScript of the figure's element, finds in each state, as of ``go``: all
        in one call, where the browser need not be asked a hundred times."""
        return self._steps(GO, [address_of(state) for state in states], look)

    def walk(self, keys, on=0):
        """What it says after each key, on the picture of that place: all in one call."""
        self.grid(on).focus()
        return self._steps(KEY, keys, SAID)

    def _steps(self, act, steps, look):
        all_of_them = f"""async (figure, steps) => {{
            const [act, settle, look] = [{act}, {SETTLE}, {look}], found = [];
            for (const step of steps) {{
                await act(figure, step);
                await settle(figure);
                found.push(look(figure));
            }}
            return found;
        }}"""
        return self.evaluate(all_of_them, steps)

    def darken(self):
        """As when the reader's machine turns dark; a Firefox cannot be asked for that."""
        if self.tab.context.browser.browser_type.name == "firefox":
            return
        self.tab.emulate_media(color_scheme="dark")
        self.root.locator(".nin-figure[data-theme=dark]").wait_for()
        self.settle()

    def stroke(self, canvas, points, side=28):
        """Move the pressed mouse over rows and columns of a canvas of side×side pixels."""
        box = self.root.locator(canvas).bounding_box()
        width, height = box["width"] / side, box["height"] / side
        first, *others = [
            (box["x"] + (column + 0.5) * width, box["y"] + (row + 0.5) * height)
            for row, column in points
        ]
        self.tab.mouse.move(*first)
        self.tab.mouse.down()
        for place in others:
            self.tab.mouse.move(*place, steps=4)
        self.tab.mouse.up()

    def choose_file(self, name, content, kind="image/png"):
        self.picker.set_input_files({"name": name, "mimeType": kind, "buffer": content})

    def paste(self, text):
        self.grid().evaluate(PASTE, text)

    def check_refusal_of_a_text_file(self):
        """A file that is no picture gets its sentence and changes nothing."""
        before = self.says()
        self.choose_file("notes.txt", b"no picture", "text/plain")
        assert "cannot read “notes.txt” as an image" in self.alert.inner_text()
        assert self.says() == before

    def check_refusal_of_pasted_words(self):
        before = self.says()
        self.paste("a few words")
        self.alert.filter(has_text="the pasted text").wait_for()
        assert "cannot read" in self.alert.inner_text() and self.says() == before

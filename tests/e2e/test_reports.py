"""The report in a browser: complete, quiet, readable on a phone, in the dark and on paper."""

import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import sync_playwright

from common.places import ROOT, TARGET

KNOWN = ROOT / "tests" / "known_reports"
ENDING = ".html.snap"
SCENES = sorted(path.name.removesuffix(ENDING) for path in KNOWN.glob(f"*{ENDING}"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@contextlib.contextmanager
def launch(playwright):
    program = shutil.which("chromium-headless-shell")
    chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright, launch(playwright) as chromium:
        yield chromium


class Visit:
    """A page, and what it said and asked for while it was open."""

    def __init__(self, browser, address, **context):
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address, wait_until="networkidle")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def overflow(self):
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )


PICTURES = {
    "report-desktop": ("all-kinds", DESKTOP, "light"),
    "report-held-dark": ("held-marks", DESKTOP, "dark"),
    "report-phone": ("held-marks", PHONE, "light"),
    "report-phone-dark": ("partial", PHONE, "dark"),
}


@functools.cache
def html(scene):
    """The page of a known report, whole: the snapshot of a long one is not."""
    program = [TARGET / "debug" / "known-page", scene]
    page = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    return page.rstrip("\n") + "\n"


def sources():
    """Picture to the SHA-256 of the report it shows."""
    return {
        name: hashlib.sha256(html(scene).encode()).hexdigest()
        for name, (scene, _, _) in PICTURES.items()
    }


def test_the_pictures_in_the_documents_are_of_these_reports():
    assert json.loads((ROOT / "docs" / "pictures.json").read_text()) == sources(), "make accept"


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """Scene to the address of its report, as a page of its own."""
    folder = tmp_path_factory.mktemp("reports")

    def of(scene):
        page = folder / f"{scene}.html"
        page.write_text(html(scene))
        return page.as_uri()

    return of


@pytest.mark.parametrize("scene", SCENES)
def test_it_is_complete_in_itself_and_fits_every_screen(browser, scene, address):
    assert len(SCENES) == 17
    for size in (DESKTOP, PHONE):
        for scheme in ("light", "dark"):
            with Visit(browser, address(scene), viewport=size, color_scheme=scheme) as visit:
                assert visit.said == [] and visit.asked == [address(scene)]
                assert visit.overflow() <= 0, f"{size['width']} wide"
                assert visit.page.locator(
                    "h1"
                ).is_visible() and "What to do now" in visit.page.inner_text("body")


AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# Which rules: those of WCAG 2.2, levels A and AA, and the library's own best practices.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page):
    """What axe finds wrong: the rule, how often, and the first place."""
    page.evaluate(AXE)
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    return [
        (one["id"], len(one["nodes"]), one["nodes"][0]["html"][:200]) for one in found["violations"]
    ]


def unfold(page):
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


# Of thousands of rows, each like the other, the first few stand for all.
FEWER_ROWS = "document.querySelectorAll('tbody tr:nth-child(n + 25)').forEach(row => row.remove())"


@pytest.mark.parametrize("scene", SCENES)
def test_it_keeps_its_meaning_for_everybody(browser, scene, address):
    for size in (DESKTOP, PHONE):
        for scheme in ("light", "dark"):
            with Visit(browser, address(scene), viewport=size, color_scheme=scheme) as visit:
                visit.page.evaluate(FEWER_ROWS)
                unfold(visit.page)
                assert violations(visit.page) == [], f"{size['width']} wide, {scheme}"


def test_axe_finds_what_is_wrong(browser, tmp_path):
    poor = tmp_path / "poor.html"
    poor.write_text("<p style='color:#aaa;background:#fff'>pale</p><img src='data:,'>")
    with Visit(browser, poor.as_uri()) as visit:
        found = {rule for rule, _, _ in violations(visit.page)}
        assert {"color-contrast", "image-alt", "document-title"} <= found, found


def luminance(color):
    def linear(part):
        part /= 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(float(part)) for part in re.findall(r"[\d.]+", color)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_bar_and_cross_stands_out_from_the_paper(browser, scheme, address):
    colors = """[
        getComputedStyle(document.body).backgroundColor,
        ...[...document.querySelectorAll('svg rect')].map(one => getComputedStyle(one).fill),
        ...[...document.querySelectorAll('.cross')].map(one => getComputedStyle(one).stroke),
    ]"""
    with Visit(browser, address("held-marks"), color_scheme=scheme) as visit:
        paper, *shapes = visit.page.evaluate(colors)
        assert len(set(shapes)) >= 4
        for shape in shapes:
            assert contrast(shape, paper) >= 3, (shape, paper)


def test_the_contents_lead_to_every_part_and_unfold_it(browser, address):
    with Visit(browser, address("five-thousand-changes")) as visit:
        links = visit.page.locator("nav a")
        assert links.count() >= 8
        for place in range(links.count()):
            anchor = links.nth(place).get_attribute("href")
            visit.page.evaluate("anchor => { location.hash = anchor }", anchor)
            assert visit.page.locator(anchor).is_visible(), anchor


def test_one_tap_selects_the_whole_command(browser, address):
    with Visit(browser, address("held-marks"), viewport=PHONE) as visit:
        box = visit.page.locator(".todo pre").first
        box.click()
        assert visit.page.evaluate("getSelection().toString()").strip() == box.inner_text().strip()


def test_it_is_read_without_scripts(browser, address):
    with Visit(browser, address("all-kinds"), java_script_enabled=False) as visit:
        assert (
            visit.page.locator("table").count() >= 8
            and visit.page.locator("svg rect, svg .cross").count() == 30
        )


def test_it_prints(browser, address):
    with Visit(browser, address("held")) as visit:
        visit.page.emulate_media(media="print")
        assert visit.overflow() <= 0
        assert visit.page.pdf(format="A4").startswith(b"%PDF")


def test_dark_and_light_are_readable(browser, address):
    for scheme, dark in (("light", False), ("dark", True)):
        with Visit(browser, address("all-kinds"), color_scheme=scheme) as visit:
            color = visit.page.evaluate("getComputedStyle(document.body).color")
            brightness = sum(int(part) for part in color.strip("rgb()").split(","))
            assert (brightness > 400) == dark, color


def test_a_hostile_name_is_seen_as_text(browser, address):
    with Visit(browser, address("hostile-names")) as visit:
        text = visit.page.inner_text("body")
        assert "<script>alert(1)</script>" in text and "<style>*{display:none}" in text
        assert visit.page.locator("script, img, iframe").count() == 0


def test_the_visit_hears_errors_and_requests(browser, tmp_path):
    noisy = tmp_path / "noisy.html"
    noisy.write_text("<img src='http://127.0.0.1:9/x.png'><script>console.error('heard')</script>")
    with Visit(browser, noisy.as_uri()) as visit:
        assert "heard" in visit.said and "http://127.0.0.1:9/x.png" in visit.asked


def test_pictures_for_the_documents(browser, tmp_path, address):
    folder = Path(os.environ.get("PICTURES", tmp_path))
    folder.mkdir(exist_ok=True)
    (folder / "pictures.json").write_text(json.dumps(sources(), indent=2) + "\n")
    for name, (scene, size, scheme) in PICTURES.items():
        with Visit(browser, address(scene), viewport=size, color_scheme=scheme) as visit:
            picture = visit.page.screenshot(path=folder / f"{name}.png")
            assert len(picture) > 20_000

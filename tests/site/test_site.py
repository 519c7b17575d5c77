"""The site in `build/site`: every link leads somewhere, nothing comes from the network, and its search finds."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from playwright.sync_api import expect

import saddlescape

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build/site"
PICTURES = ROOT / "build/browser"
PAGES = sorted(SITE.rglob("*.html"))
INNER = {"explorer", "network", "runs", "store", "system", "words"}
"""Packages that users do not import from; modules of them may have a page."""


class Page(HTMLParser):
    """The links and names of a page, and what a browser loads with it."""

    def __init__(self, path):
        super().__init__()
        self.path, self.links, self.loaded, self.names = path, [], [], {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        self.names |= {of.get("id"), of.get("name")}
        if tag == "a" and "href" in of:
            self.links.append(of["href"])
        elif address := of.get("src") or (tag == "link" and of.get("href")):
            self.loaded.append(address)


@pytest.fixture(scope="module")
def pages():
    return {path: Page(path) for path in PAGES}


def is_foreign(address):
    return re.match(r"\w+:|//", address) and not address.startswith("data:")


def test_every_link_leads_to_a_page_and_a_name_in_it(pages):
    lost = []
    for page in pages.values():
        for link in {*page.links, *page.loaded}:
            address, name = urldefrag(link)
            target = (page.path.parent / unquote(address.partition("?")[0])).resolve() if address else page.path
            if is_foreign(link) or link.startswith("data:"):
                continue
            if not target.exists() or (target in pages and unquote(name) not in pages[target].names):
                lost.append(f"{page.path.relative_to(SITE)}: {link}")
    assert lost == []


def test_pages_load_nothing_from_the_network(pages):
    assert [address for page in pages.values() for address in page.loaded if is_foreign(address)] == []
    styles = "".join(path.read_text(encoding="utf-8") for path in SITE.rglob("*.css"))
    assert not re.search(r"(url\(|@import\s+)[\"']?(https?:)?//", styles)


def test_every_document_is_a_page_with_the_version():
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/reference").glob("*.rst")]
    for path in documents:
        page = SITE / path.relative_to(ROOT).with_suffix(".html")
        assert f"saddlescape {saddlescape.__version__}" in page.read_text(encoding="utf-8")


def test_every_package_that_users_import_from_has_a_page():
    packages = {path.parent.name for path in Path(saddlescape.__file__).parent.glob("*/__init__.py")}
    titles = [path.read_text().partition("\n")[0] for path in (ROOT / "docs/reference").glob("*.rst")]
    assert packages - INNER <= {title.removeprefix("saddlescape.") for title in titles}


def test_the_search_finds_a_word_and_leads_to_it(chromium):
    context = chromium.new_context(viewport={"width": 1400, "height": 1000}, offline=True)
    tab, foreign = context.new_page(), []
    tab.on("request", lambda request: request.url.startswith("file:") or foreign.append(request.url))
    tab.goto((SITE / "index.html").as_uri())
    tab.get_by_role("textbox", name="Search").fill("wilson_interval")
    tab.keyboard.press("Enter")
    result = tab.locator("#search-results a", has_text="saddlescape.analysis.wilson_interval").first
    PICTURES.mkdir(parents=True, exist_ok=True)
    expect(result).to_be_visible()
    tab.screenshot(path=PICTURES / "search.png")
    result.click()
    expect(tab.locator("[id='saddlescape.analysis.wilson_interval']")).to_be_in_viewport()
    assert foreign == []
    context.close()


def test_numbers_in_tables_of_notebooks_stand_below_one_another(chromium):
    tab = chromium.new_page(viewport={"width": 1400, "height": 1000})
    tab.goto((SITE / "docs/notebooks/my-own-data.html").as_uri())
    tables = tab.locator(".cell_output table").all()
    assert len(tables) == 3  # of outcomes, and two of pandas
    for table in tables:
        expect(table.locator("td").last).to_have_css("text-align", "right")
        expect(table.locator("td").last).not_to_have_css("padding-left", "1px")
    tab.close()


def test_no_page_is_wider_than_a_phone(chromium):
    tab, wide = chromium.new_page(viewport={"width": 400, "height": 1000}), []
    for path in PAGES:
        tab.goto(path.as_uri())
        if tab.locator(".content").evaluate("content => content.scrollWidth > content.clientWidth"):
            wide.append(str(path.relative_to(SITE)))
    assert wide == []
    tab.close()

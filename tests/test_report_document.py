"""Reports as Markdown and HTML: every character means itself, and the page needs nothing else."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from pipelines.reports.report_document import Lines, Picture, Section, Table, to_html, to_markdown

NASTY = "a|b <c> `d` *e* [f](g) # & \\"
SECTIONS = [
    Section("One", ["a paragraph", Table(["word", "count"], [[NASTY, "1"], ["x", "22"]])]),
    Section("Two", [Lines([NASTY, "second"]), Picture("p.svg", "<svg><title>t</title></svg>", "a picture")]),
]


class Cells(HTMLParser):
    """Collects the text of cells, items and paragraphs."""

    def __init__(self):
        super().__init__()
        self.found, self.open = [], None

    def handle_starttag(self, tag, attributes):
        self.open = tag
        if tag in ("td", "th", "li", "p", "h1"):
            self.found.append("")

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open in ("td", "th", "li", "p", "h1"):
            self.found[-1] += data


def texts(page):
    parser = Cells()
    parser.feed(page)
    return parser.found


def test_the_page_holds_everything_and_needs_nothing():
    page = to_html("Title & more", SECTIONS)
    assert texts(page) == ["Title & more", "a paragraph", "word", "count", NASTY, "1", "x", "22", NASTY, "second"]
    assert "<svg>" in page
    assert "http" not in page
    assert "src=" not in page


def test_the_markdown_has_tables_lists_and_pictures():
    lines = to_markdown("Title", SECTIONS).splitlines()
    assert lines[0] == "# Title"
    assert "| word | count |" in lines
    assert "| --- | ---: |" in lines
    assert "| a\\|b \\<c\\> \\`d\\` \\*e\\* \\[f\\](g) \\# & \\\\ | 1 |" in lines
    assert "- second" in lines
    assert "![a picture](p.svg)" in lines


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))))
def test_any_text_stays_what_it_is_on_the_page_and_in_its_line(text):
    document = [Section("s", [Table(["h"], [[text]])])]
    assert texts(to_html("t", document))[-1] == text
    assert len(to_markdown("t", document).splitlines()) == 7

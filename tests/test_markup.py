"""Plain text out of the catalog's files."""

import io

import pytest

from corpora.markup import lines, tagged_words, wikipedia_articles, wrapped_paragraphs
from corpora.wikitext import clean_wikitext


def extracted(extractor, text, encoding="utf-8"):
    return list(extractor(io.BytesIO(text.encode(encoding)), encoding))


def test_wrapped_paragraphs():
    text = (
        "TITLE\n  A story of\n  two lines &lt;ABC&gt;.\n      Another paragraph\n  goes on.\n\n\nThe café\r\nis open."
    )
    assert extracted(wrapped_paragraphs, text, "latin-1") == [
        "TITLE",
        "A story of two lines <ABC>.",
        "Another paragraph goes on.",
        "The café is open.",
    ]
    assert extracted(wrapped_paragraphs, "") == []


def test_tagged_words():
    text = "\n\n\tThe/at jury/nn said/vbd ``/`` no/at ''/'' 1/2/cd ./.\n\n\n\tYes/rb\n"
    assert extracted(tagged_words, text) == ['The jury said " no " 1/2 .', "Yes"]


def test_lines():
    assert extracted(lines, "a b\n\n c \xe9", "latin-1") == ["a b", "", " c é"]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("'''Anarchism''' is a ''word''.", ["Anarchism is a word."]),
        ("see [[cat]]s and [[dog|the dogs]] here", ["see cats and the dogs here"]),
        ("[[Image:a.jpg|thumb|200px|A [[cat|big cat]] sits]] text", ["A big cat sits text"]),
        ("[[Image:a.jpg]] text [[Category:Cats]][[de:Katze]][[zh-min-nan:x]]", ["text"]),
        ("one {{template|a={{inner}}|b}} two", ["one two"]),
        ("one\n{| class=x\n|-\n| cell {{x}}\n|}\ntwo", ["one", "two"]),
        ("one<ref name=a>note</ref> two<ref name=b /> three<br/> four", ["one two three four"]),
        ("&lt;!-- hidden --&gt;AT&amp;amp;T &amp;nbsp; x &amp;mdash; y", ["AT&T x — y"]),
        ("== Heading ==\n* item\n## second", ["Heading", "item", "second"]),
        ("the [http://x.org/a site] and http://y.org/b end", ["the site and end"]),
        ("12&amp;nbsp;km\t of  __NOTOC__ road", ["12 km of road"]),
        ("one&amp;#10;two", ["one", "two"]),
        ("say &quot;&amp;lt;b&amp;gt;&quot;", ['say "<b>"']),
        ("[mailto:a@x.org write] ''or'' [[call]] [not a link]", ["write or call [not a link]"]),
        ("let <math>x^2</math> be", ["let be"]),
        ("#REDIRECT [[Other]]", []),
        ("#redirect [[Other]]", []),
        ("unclosed {{template and [[link", ["unclosed {{template and [[link"]),
        ("", []),
    ],
)
def test_wiki_markup(markup, text):
    assert list(clean_wikitext(markup)) == text


def test_articles_of_a_dump():
    dump = """<mediawiki><page><title>A</title><revision><text xml:space="preserve">First line
second [[line]]</text></revision></page>
<page><title>B</title><revision><text xml:space="preserve">#REDIRECT [[A]]</text></revision></page>
<page><title>C</title><revision><text xml:space="preserve">In &quot;one&quot; line</text></revision></page>
<page><title>D</title><revision><text xml:space="preserve">cut of"""
    assert extracted(wikipedia_articles, dump) == ["First line", "second line", 'In "one" line', "cut of"]


def test_deep_nesting_and_long_articles_end():
    assert list(clean_wikitext("{{" * 2000 + "x" + "}}" * 2000 + " end")) == ["end"]
    assert list(clean_wikitext("<ref>" * 2000 + " end")) == ["end"]

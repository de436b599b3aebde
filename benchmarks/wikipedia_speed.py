"""A dump of Wikipedia to tokens, beside gensim's WikiCorpus, in CPU seconds of all processes; bar: 5 times as fast.

python -m benchmarks.wikipedia_speed [--corpus SOURCE] [--megabytes 30] [--dump pages-articles.xml.bz2] [--repeats 3]

Both sides decompress with libbz2, which bounds the ratio: its share is measured too, as a side of its own.

Without --dump the dump is made of plain text, with about as much markup as Wikipedia has: links, templates, references,
an infobox and a table an article. It has a stream of bzip2 for every hundred articles, as Wikipedia's dumps have.
"""

import argparse
import bz2
import html
import itertools
import json
import random
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks import measuring, text

PAGE = (
    "  <page>\n    <title>Thing {number}</title>\n    <ns>0</ns>\n    <id>{number}</id>\n    <revision>\n"
    '      <text bytes="{size}" xml:space="preserve">{text}</text>\n    </revision>\n  </page>\n'
)
INFOBOX = "{{{{Infobox thing\n| name = {0}\n| born = {{{{birth date|1900|1|2}}}}\n| area = {{{{nowrap|12 km}}}}\n}}}}\n"
REFERENCE = (
    '<ref name="a{0}">{{{{cite web |url=http://example.org/{0} |title=On {1} |last=Smith |first=J. |date=2001-01-02 '
    "|access-date=2010-02-03}}}}</ref>"
)
TABLE = '{| class="wikitable"\n|-\n! Year !! Value\n' + "|-\n| 1900 || 17\n" * 12 + "|}\n"
END = "== References ==\n{{reflist}}\n{{DEFAULTSORT:Thing}}\n[[Category:Things]]\n[[Category:More things]]\n"


def with_markup(word: str, draw: random.Random) -> str:
    """Return a word as a link, in bold, before a reference or a template, or as it is."""
    chance = draw.random()
    if chance < 0.06:
        return f"[[{word}]]"
    if chance < 0.09:
        return f"[[{word} (topic)|{word}]]"
    if chance < 0.10:
        return f"'''{word}'''"
    if chance < 0.113:
        return word + REFERENCE.format(draw.randrange(9999), word)
    return f"{word} {{{{convert|{draw.randrange(99)}|km|mi|abbr=on}}}}" if chance < 0.115 else word


def articles(lines: Iterator[str], draw: random.Random) -> Iterator[str]:
    """Yield pages of 3 to 24 paragraphs."""
    for number in itertools.count(1):
        paragraphs = list(itertools.islice(lines, draw.choice([3, 6, 12, 24])))
        if not paragraphs:
            return
        marked = [" ".join(with_markup(word, draw) for word in line.split()) for line in paragraphs]
        sections = "".join(f"{f'== Section {i} ==' if i % 3 == 2 else ''}\n{line}\n" for i, line in enumerate(marked))
        content = html.escape(INFOBOX.format(number) + sections + TABLE + END)
        yield PAGE.format(number=number, size=len(content.encode()), text=content)


def write_dump(source: Path, path: Path, size: int) -> int:
    """Write a dump of about `size` bytes of XML; return its exact number."""
    written = 0
    with source.open(encoding="utf-8") as lines, path.open("wb") as dump:
        pages = articles(iter(lines), random.Random(0))
        dump.write(bz2.compress(b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="en">\n'))
        while written < size and (stream := "".join(itertools.islice(pages, 100)).encode()):
            dump.write(bz2.compress(stream))
            written += len(stream)
        dump.write(bz2.compress(b"</mediawiki>\n"))
    return written


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def run_side(side: str, path: str) -> None:
    """Read a dump to tokens, or only decompress it; print CPU seconds and tokens."""
    count = 0
    if side == "bzip2":
        begun = cpu_seconds()
        decompressed_size(path)
    elif side == "gensim":
        from gensim.corpora.wikicorpus import WikiCorpus

        corpus = WikiCorpus(path, dictionary={}, processes=1)
        begun = cpu_seconds()
        count = sum(map(len, corpus.get_texts()))
    else:
        from corpora import open_corpus
        from embeddings import make_tokenizer

        counter = make_tokenizer("fast").counter()
        list(counter.ids(b"compile the kernels\n"))
        begun = cpu_seconds()
        for block in open_corpus(path).blocks():
            count += sum(len(ids) for ids in counter.ids(block))
    print(json.dumps({"seconds": cpu_seconds() - begun, "tokens": count}))


def decompressed_size(path: str | Path) -> int:
    """Return the number of bytes of XML."""
    with bz2.open(path) as dump:
        return sum(map(len, iter(lambda: dump.read(1 << 20), b"")))


def main() -> None:
    """Measure both sides in turns and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=text.default_source())
    parser.add_argument("--megabytes", type=float, default=30)
    parser.add_argument("--dump")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        run_side(options.side, options.dump)
        return
    with tempfile.TemporaryDirectory() as name:
        path = Path(options.dump or Path(name, "pages-articles-multistream.xml.bz2"))
        if not options.dump:
            write_dump(text.write_text(options.corpus, Path(name, "text.txt")), path, int(options.megabytes * 1e6))
        seconds: dict[str, list[float]] = {"vecmill": [], "gensim": [], "bzip2": []}
        for _ in range(options.repeats):
            for side, found in seconds.items():
                run = measuring.run_alone("benchmarks.wikipedia_speed", "--side", side, "--dump", str(path))
                found.append(run["seconds"])
        megabytes = decompressed_size(path) / 1e6
    row = {
        "case": f"{megabytes:.0f} MB of pages-articles.xml.bz2 → tokens",
        "vecmill": f"{megabytes / median(seconds['vecmill']):.1f} MB/s a core",
        "gensim": f"{megabytes / median(seconds['gensim']):.1f} MB/s a core",
        "ratio": f"{measuring.ratio_of_medians(seconds['vecmill'], seconds['gensim']):.1f}×",
        "bar": "≥ 5×",
    }
    bzip2 = median(seconds["bzip2"])
    ours, theirs = (median(seconds[side]) - bzip2 for side in ("vecmill", "gensim"))
    made = Path(options.dump).name if options.dump else f"made of {Path(options.corpus).name}"
    notes = [f"{made}; CPU seconds of all processes; median of {options.repeats} alternating runs"]
    notes.append(
        f"libbz2 alone: {megabytes / bzip2:.1f} MB/s a core, {bzip2 / (bzip2 + ours):.0%} of vecmill's time and "
        f"{bzip2 / (bzip2 + theirs):.0%} of gensim's; without it the ratio is {theirs / ours:.1f}×"
    )
    measuring.write_results("wikipedia_speed", "Dumps of Wikipedia", [row], notes)


if __name__ == "__main__":
    main()

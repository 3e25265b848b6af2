"""The page: it answers first, stands for itself, runs and fetches nothing whatever an archive holds, and is bounded."""

import base64
import hashlib
import html
import io
import json
import re
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from imgforensics import Options, Report, Verdict, render
from imgforensics.analysis import analyze_archive, failed
from imgforensics.findings import Skipped
from imgforensics.model import Digest, Location
from imgforensics.rendering import layerpicture, page, pageview, printable
from imgforensics.rendering.layerpicture import picture, size
from imgforensics.rendering.layerstate import State, States
from imgforensics.rendering.writer import Manner
from imgforensics.report import ArchiveReport
from imgforensics.sets.known import KNOWN
from imgforensics.sets.rule import SetFinding
from imgforensics.signature import (
    Binding,
    Bound,
    Checked,
    CheckResult,
    Found,
    Headline,
    Judgement,
    Place,
    Purpose,
    Scheme,
    Signature,
    Signatures,
    Signed,
    Signer,
    Status,
)
from tests import builder
from tests.crafted import CRAFTED
from tests.support import case_of, report_of

VOID = {"meta", "rect"}
HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "abc\u202egnp.exe",
    "</style></title><script>document.title='owned'</script>",
    "\" onmouseover=alert(1) x='",
    "{{ 7*7 }}{% for %}",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt;",
    "\ue000",
    "two\nlines",
    "a" * 5000,
]


class Reader(HTMLParser):
    """Holds a page against what it promises."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open
        assert len(self.ids) == len(set(self.ids))
        assert {link.removeprefix("#") for link in self.links} <= set(self.ids)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        assert tag not in {"script", "img", "link", "iframe", "object", "embed", "base", "form", "image", "use"}
        for name, value in attrs:
            assert not name.startswith("on")
            assert name not in {"src", "style", "srcset", "data", "action", "xlink:href"}
            if name == "href":
                assert value is not None
                assert value.startswith("#")
                self.links.append(value)
            if name == "id":
                self.ids.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str, name: str) -> list[dict[str, str | None]]:
        return [attrs for each, attrs in self.tags if each == tag and name in str(attrs.get("class")).split()]


def tampered() -> bytes:
    entries = builder.docker_legacy([builder.ImageSpec()])
    builder.swap_layer(entries)
    return builder.tar(entries)


def hostile(name: str) -> ArchiveReport:
    spec = builder.ImageSpec(
        tags=[f"a/{name}:1"], history=[{"created_by": name}] * 2, extra={"os": name, "architecture": name}
    )
    entries = builder.docker25([spec])
    stray = builder.Entry(name.encode("utf-8", "surrogatepass")[:90], b"stray")
    return analyze_archive(io.BytesIO(builder.tar([stray, *entries, stray])), Options())


def several() -> Report:
    entries = builder.oci_archive([builder.ImageSpec()])
    entries.remove(builder.layers_of(entries)[0])
    reports = (
        report_of(builder.archive("crane")),
        report_of(tampered()),
        report_of(entries),
        failed("gone<b>.tar", "no: such & file"),
        report_of(builder.gz(builder.archive("containerd"))),
        *(hostile(name) for name in HOSTILE),
    )
    return Report(reports, skipped=(Skipped("note<i>.txt", "text"),))


# ------------------------------------------------------------------------------------------------- what it says


def test_one_archive_is_answered_and_shown_opened() -> None:
    archive = report_of(builder.archive("crane"))
    reader = Reader(render(Report((archive,)), "html"))
    assert "The archive is intact" in reader.text
    assert "standard input: every claim was checked and holds." in reader.text
    assert str(archive.digest) in reader.text
    (section,) = reader.of("details", "archive")
    assert "open" in section
    assert "Overview" not in reader.text
    for spec_id in builder.ImageSpec().diff_ids:
        assert spec_id in reader.text


def test_several_archives_are_answered_gravest_first() -> None:
    report = several()
    reader = Reader(render(report, "html"))
    assert f"2 of {len(report.archives)} archives are intact" in reader.text
    verdicts = [str(attrs["class"]).split()[-1] for attrs in (*reader.of("section", "archive"),)]
    verdicts += [str(attrs["class"]).split()[-1] for attrs in reader.of("details", "archive")]
    order = [each.value for each in reversed(Verdict)]
    assert verdicts == sorted(verdicts, key=order.index)
    assert ["open" in attrs for attrs in reader.of("details", "archive")] == [each != "intact" for each in verdicts[1:]]
    assert "IMG302 layer-diff-id-mismatch" in reader.text
    assert "What it means" in reader.text
    assert "no: such & file" in reader.text
    assert "1 file skipped" in reader.text
    for block in ("Overview", "What the findings mean", "What was not checked", "Custody"):
        assert block in reader.text


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        (["intact"] * 3, "All 3 archives are intact"),
        (["tampered"] * 2, "None of 2 archives is intact"),
        (["intact", "suspect"], "1 of 2 archives is intact"),
        (["unchecked"], "The archive was not checked in full"),
        ([], "There was no archive"),
    ],
)
def test_headlines(verdicts: list[str], headline: str) -> None:
    archive = report_of(builder.archive("crane"))
    archives = tuple(replace(archive, verdict=Verdict(each)) for each in verdicts)
    assert headline in Reader(render(Report(archives), "html")).text


def test_shares_of_verdicts_fill_the_bar() -> None:
    reader = Reader(render(several(), "html"))
    start = next(number for number, (_, attrs) in enumerate(reader.tags) if attrs.get("class") == "share")
    bar = [attrs for tag, attrs in reader.tags[start + 1 : start + 6] if tag == "rect"]
    assert sum(float(str(attrs["width"]).rstrip("%")) for attrs in bar) == pytest.approx(100)
    assert bar[0]["x"] == "0.0%"


def test_custody_is_told() -> None:
    text = Reader(render(several(), "html")).text
    assert "Its digest sha256:" in text
    assert "not recorded, so that the same evidence gives the same report" in text
    assert "IMG101 truncated-archive, since 0.1" in text


def test_expectations_and_registries_are_told() -> None:
    data = builder.archive("oci_archive")
    plain = analyze_archive(io.BytesIO(data), Options())
    image_id = str(case_of(plain).catalogue.blobs[plain.images[0].config_member or 0].digest)
    chosen = Options(expect=(image_id, "sha256:" + "0" * 64), digests=True)
    archive = analyze_archive(io.BytesIO(data), chosen)
    text = Reader(render(Report((archive,), options=chosen), "html")).text
    assert f"match {image_id}" in text
    assert "not-reproduced sha256:000" in text
    assert "In a registry sha256:" in text


# ------------------------------------------------------------------------------------------------ the pictures


def states(data: bytes) -> list[list[State]]:
    archive = report_of(data)
    case = case_of(archive)
    return [[row.state for row in picture(case, image, States(case)).rows] for image in archive.images]


def test_a_picture_shows_config_and_layers_the_lowest_last() -> None:
    archive = report_of(builder.archive("oci_archive"))
    case = case_of(archive)
    made = picture(case, archive.images[0], States(case))
    assert [row.label for row in made.rows] == ["config", "1", "0"]
    assert [row.y for row in made.rows] == [0, layerpicture.TALL, 2 * layerpicture.TALL]
    assert made.height == 3 * layerpicture.TALL
    assert max(row.unpacked for row in made.rows) == 100
    assert all(row.stored > 0 for row in made.rows)
    assert all("\u2192" in row.size for row in made.rows[1:])


def test_states_of_layers() -> None:
    assert states(builder.archive("crane")) == [[State.HELD] * 3]
    assert states(tampered()) == [[State.HELD, State.HELD, State.FAILED]]
    entries = builder.docker_legacy([builder.ImageSpec()])
    builder.swap_config(entries)
    assert states(builder.tar(entries))[0][0] is State.FAILED
    entries = builder.oci_archive([builder.ImageSpec()])
    entries.remove(builder.layers_of(entries)[0])
    assert states(builder.tar(entries)) == [[State.HELD, State.HELD, State.MISSING]]
    whole = builder.tar(builder.docker25([builder.ImageSpec()]))
    assert any(State.FAILED in image for image in states(whole[: len(whole) * 2 // 3])) or not states(whole[:2048])


def test_many_layers_make_small_rows_and_too_many_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = builder.ImageSpec(layers=[builder.tar([builder.Entry(f"f{number}", b"x")]) for number in range(30)])
    archive = report_of(builder.archive("crane", spec))
    case = case_of(archive)
    made = picture(case, archive.images[0], States(case))
    assert made.small
    assert made.height == 31 * layerpicture.SMALL
    monkeypatch.setattr(layerpicture, "MOST", 10)
    made = picture(case, archive.images[0], States(case))
    assert (len(made.rows), made.hidden) == (11, 20)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1048575, "1.0 MiB"),
        (5 * 2**30, "5.0 GiB"),
        (2**60, "1048576.0 TiB"),
    ],
)
def test_sizes_in_words(length: int, words: str) -> None:
    assert size(length) == words


# ------------------------------------------------------------------------------------------------- what it is not


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    archive = hostile(name)
    made = render(Report((archive, failed(f"dir/{name}\udcff", f"no: {name}\ud800"))), "html")
    assert made.isascii()
    reader = Reader(made)
    assert not {"\x1b", "\u202e", "\ue000", "\ud800"} & set(html.unescape(made))
    assert " ".join(printable(name)[:300].split()) in reader.text
    assert len(max(reader.words, key=len)) < 2500


def test_the_content_policy_allows_one_style_and_nothing_else() -> None:
    made = render(several(), "html")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', made)
    assert policy is not None
    style = re.search(r"<style>(.*?)</style>", made, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    directives = [each.strip() for each in html.unescape(policy[1]).split(";")]
    assert directives == ["default-src 'none'", f"style-src 'sha256-{digest}'", "base-uri 'none'", "form-action 'none'"]
    assert not re.search(r"https?://|url\(|@import", style[1])


def test_what_is_shown_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("FINDINGS", 3), ("IMAGES", 1), ("RELATED", 1)):
        monkeypatch.setattr(pageview, name, most)
    monkeypatch.setattr(page, "_SKIPPED", 1)
    specs = [builder.ImageSpec(tags=[f"a:{number}"], created=f"2024-01-0{number}T00:00:00Z") for number in (1, 2, 3)]
    strays = [builder.Entry(f"stray{number}", b"x") for number in range(9)]
    archive = report_of([*builder.docker25(specs), *strays])
    skipped = tuple(Skipped(f"{number}", "text") for number in range(3))
    text = Reader(render(Report((archive,), skipped=skipped), "html")).text
    assert f"{len(archive.findings) - 3} more findings are not shown here" in text
    assert "2 more images are not shown here" in text
    assert "and 2 more" in text


def test_other_formats_do_without_the_template_engine() -> None:
    script = (
        "import sys; from imgforensics import Report, render; "
        "[render(Report(()), form) for form in ('table', 'json', 'csv', 'sarif', 'junit')]; "
        "assert 'jinja2' not in sys.modules; render(Report(()), 'html'); assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


# -------------------------------------------------------------------------------------------------- in a browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

WRAPPER = """<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><pre id="answer"></pre><script>
const pages = PAGES, seen = [];
for (const [name, text] of Object.entries(pages)) for (const width of [320, 390, 1200]) {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 800;
  frame.onload = () => {
    const doc = frame.contentDocument, root = doc.documentElement;
    const bars = [...doc.querySelectorAll("svg.stack rect.stored")].map(each => each.getBoundingClientRect().width);
    const words = [...doc.querySelectorAll("details[open] svg.stack text")];
    seen.push({
      name, width, title: doc.title, background: frame.contentWindow.getComputedStyle(doc.body).backgroundColor,
      overflow: root.scrollWidth - root.clientWidth,
      fetched: frame.contentWindow.performance.getEntriesByType("resource").length,
      bars: Math.max(0, ...bars), styled: doc.styleSheets.length,
      outside: words.filter(each => each.getBoundingClientRect().right > root.clientWidth + 1).length,
    });
    document.getElementById("answer").textContent = JSON.stringify(seen);
  };
  frame.srcdoc = text;
  document.body.append(frame);
}
</script></body></html>"""


def chromium(folder: Path, *arguments: str, scheme: str = "light") -> str:
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000"]
    command += [f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"]
    result = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=True)
    return result.stdout


def reports_to_look_at() -> dict[str, str]:
    clean = report_of(builder.archive("oci_archive"))
    many = Report(tuple(report_of(builder.archive(layout)) for layout in list(builder.LAYOUTS)[:6]) * 8)
    spec = builder.ImageSpec(layers=[builder.tar([builder.Entry(f"f{number}", b"x")]) for number in range(40)])
    together = page.Page(Manner())
    together.add(clean)
    together.asked = KNOWN
    together.about_all = [SetFinding(rule, rule.severity, "a" * 90, ("in/a.tar", "b" * 90), "x") for rule in KNOWN]
    return {
        "set": "".join(together.end(())),
        "one": render(Report((clean,)), "html"),
        "several": render(several(), "html"),
        "many": render(many, "html"),
        "layers": render(Report((report_of(builder.archive("crane", spec)),)), "html"),
    }


@browser
@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_at_any_width(tmp_path: Path, scheme: str) -> None:
    pages = reports_to_look_at()
    wrapper = tmp_path / "wrapper.html"
    told = json.dumps(pages).replace("</", "<\\/")
    wrapper.write_text(WRAPPER.replace("PAGES", told), encoding="utf-8")
    dom = chromium(tmp_path, "--dump-dom", wrapper.as_uri(), scheme=scheme)
    answer = re.search(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL)
    assert answer is not None
    seen: list[dict[str, Any]] = json.loads(html.unescape(answer[1]))
    assert len(seen) == 3 * len(pages)
    for each in seen:
        assert each["overflow"] == 0, each
        assert each["outside"] == 0, each
        assert each["fetched"] == 0, each
        assert each["styled"] == 1, each
        assert each["bars"] > 30, each
        assert each["title"].endswith("imgforensics"), each
        assert each["background"] == ("rgb(15, 20, 25)" if scheme == "dark" else "rgb(245, 246, 248)"), each


@browser
@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_takes_its_screenshot_and_prints_it(tmp_path: Path, scheme: str) -> None:
    source = tmp_path / "page.html"
    source.write_text(render(several(), "html"), encoding="utf-8")
    shot, paper = tmp_path / "shot.png", tmp_path / "page.pdf"
    chromium(tmp_path, f"--screenshot={shot}", "--window-size=1000,1400", source.as_uri(), scheme=scheme)
    content = shot.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (1000, 1400)
    assert len(content) > 30_000  # a blank page compresses to less
    chromium(tmp_path, f"--print-to-pdf={paper}", "--no-pdf-header-footer", source.as_uri(), scheme=scheme)
    printed = paper.read_bytes()
    assert printed.startswith(b"%PDF-")
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", printed))
    assert pages > len(several().archives) // 2  # closed parts are printed opened


# --------------------------------------------------------------------------------- who would load it, who signed it


def test_readers_that_contradict_each_other_are_shown_and_others_folded() -> None:
    hybrid = next(case for case in CRAFTED if case.name == "VIEW-01-hybrid")
    reader = Reader(render(Report((report_of(hybrid.make()),)), "html"))
    assert "Who would load what Readers contradict each other." in reader.text
    for word in ("skopeo docker-archive:", "ctr/nerdctl/k3s", "index.json, since oci-layout is there"):
        assert word in reader.text
    folded = Reader(render(Report((report_of(builder.archive("crane")),)), "html"))
    assert "contradict each other" not in folded.text
    assert re.search(r"Who would load what \d+ of 12 readers would load it, none contradicts another", folded.text)


@pytest.mark.parametrize("name", HOSTILE)
def test_signatures_have_a_section_and_stay_text(name: str) -> None:
    archive = report_of(builder.archive("oci_archive"), Options(signatures=True))
    found = Found(Scheme.COSIGN, Purpose.SIGNATURE, Place.TAG, Location(name, f"/{name}"), b"")
    held = Judgement(Status.VERIFIED, name, Signed((Digest.of(b""),)), Signer(name, name, name))
    held = replace(held, checks=(Checked("log", CheckResult.NOT_DONE, name),))
    bound = Bound(Binding.EXACT, name, Digest.of(b""), "manifest", (0,))
    signed = Signatures((Signature(found, held, bound),) * 70, {0: Headline.VERIFIED})
    made = render(Report((replace(archive, case=replace(case_of(archive), signatures=signed)),)), "html")
    reader = Reader(made)
    assert not {"\x1b", "\u202e", "\ue000"} & set(html.unescape(made))
    assert "Signatures signed-and-verified image @0 verified signature, cosign-simple-signing" in reader.text
    assert str(Digest.of(b"")) in reader.text
    assert "10 more are not shown here" in reader.text
    unsigned = Reader(render(Report((archive,)), "html")).text
    assert "Signatures no-signature-in-archive image @0" in unsigned
    assert "Signatures" not in Reader(render(Report((report_of(builder.archive("crane")),)), "html")).text

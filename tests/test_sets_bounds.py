"""What archives say about each other where there is more of it than one finding shows."""

import pytest

from imgforensics.facts import Facts, ImageFacts, LayerFacts
from imgforensics.findings import Severity
from imgforensics.framing import Framing
from imgforensics.report import Options
from imgforensics.sets import rules, transfer
from imgforensics.sets.lockfile import Lock
from imgforensics.sets.rule import SetFinding
from imgforensics.sets.store import Store
from imgforensics.together import Together

SHOWN = rules._SHOWN


def image(number: int, *tags: str, layer: str = "one") -> ImageFacts:
    return ImageFacts(f"sha256:{number:064x}", None, "linux/amd64", tags, (LayerFacts(layer, None, 1, "match"),))


def facts(path: str, *images: ImageFacts, producer: str = "docker save", wrapping: str = "none") -> Facts:
    framing = Framing(wrapping, "POSIX headers", "a full last record")
    return Facts(path, f"sha256:{path}", 1, "intact", producer, None, images, framing)


def said(*archives: Facts) -> list[SetFinding]:
    with Store() as store:
        for each in archives:
            store.add(each)
        return [found for rule in rules.RULES for found in rule.run(store)]


def test_an_archive_of_many_images_hides_no_other_archive() -> None:
    many = facts("a.tar", *(image(number, "app:1") for number in range(SHOWN)))
    (found,) = said(many, facts("b.tar", image(99, "app:1")))
    assert found.rule.code == "IMG801"
    assert found.paths == ("a.tar", "b.tar")
    assert f"{99:064x}"[:12] in found.message
    assert found.message.endswith("; and 1 more")
    assert said(many) == []


def test_the_layers_of_images_that_are_not_shown_count() -> None:
    alike = [facts(f"{number}.tar", image(number, "app:1")) for number in range(SHOWN)]
    (found,) = said(*alike)
    assert (found.severity, found.message.count("with the same layers")) == (Severity.NOTE, 1)
    (found,) = said(*alike, facts("x.tar", image(99, "app:1", layer="other")))
    assert (found.severity, found.message.count("with the same layers")) == (Severity.WARNING, 0)


@pytest.mark.parametrize("place", [0, 3, SHOWN, SHOWN + 5])
def test_another_name_is_told_wherever_it_stands(place: int) -> None:
    archives = [facts(f"{number:02}.tar", image(1, "app:1")) for number in range(SHOWN + 5)]
    assert said(*archives) == []
    archives.insert(place, facts("evil.tar", image(1, "evil:9")))
    (found,) = said(*archives)
    assert found.rule.code == "IMG802"
    assert "docker.io/library/evil:9 in evil.tar" in found.message
    assert len(found.paths) == SHOWN
    assert found.message.endswith("; and 6 more")


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"producer": "kaniko"}, "5 more archives of . were not written by docker save"),
        ({"wrapping": "gzip"}, "5 more archives of . are framed unlike the others by docker save"),
    ],
)
def test_more_odd_archives_than_are_named(odd: dict[str, str], words: str) -> None:
    usual = [facts(f"{number:03}.tar", image(number)) for number in range(200)]
    others = [facts(f"x{number}.tar", image(300 + number), **odd) for number in range(SHOWN + 5)]
    found = said(*usual, *others)
    assert [each.rule.code for each in found] == ["IMG803"] * (SHOWN + 1)
    assert (found[-1].message, found[-1].paths) == (words, ())
    assert len(said(*usual, *others[:SHOWN])) == SHOWN


def test_archives_of_the_very_tag_are_tried_first_and_others_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def proves(path: str, *_: object) -> bool:
        tried.append(path)
        return path == "24.tar"

    monkeypatch.setattr("imgforensics.together._proves", proves)
    digest = f"sha256:{'1' * 64}"

    def missing(tag: str) -> list[str]:
        lock = Lock((), ((f"app:{tag}", digest),), "refs")
        with Together([f"{number:02}.tar" for number in range(25)], lock) as together:
            for number in range(25):
                together.add(facts(f"{number:02}.tar", image(number, f"app:{number}", f"app:{number}.0")), frozenset())
            found = together.findings(Options())
        return [each.message for each in found if each.rule is transfer.MISSING]

    assert missing("24") == []
    assert tried == ["24.tar"]
    tried.clear()
    (message,) = missing("other")
    assert len(tried) == len(set(tried)) == 20
    assert message.endswith("; 5 more archives of that repository were not tried: give one alone")

"""Who would run which image, and why: on one screen, every reader once."""

import re
from math import ceil

import pytest

from imgforensics.loaders import Reader
from imgforensics.rendering import sides_table, table
from imgforensics.rendering.sides_table import WIDTH, digits_needed
from imgforensics.rendering.style import Style
from tests import builder
from tests.crafted import CRAFTED
from tests.crafted.viewparts import evil, good
from tests.support import case_of, report_of

HEIGHT = 24
SIDED = ("VIEW-01", "VIEW-02", "VIEW-03", "VIEW-04", "VIEW-05", "VIEW-06", "VIEW-07", "VIEW-08", "VIEW-11", "VIEW-13")


def _words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", [case.name for case in CRAFTED if case.name.startswith(SIDED)])
def test_it_fits_on_one_screen_and_names_every_reader_once(name: str) -> None:
    case = next(case for case in CRAFTED if case.name == name)
    report = report_of(case.make())
    answer = sides_table.answer(case_of(report), Style())
    assert bool(answer) == bool(case_of(report).sides)
    if answer:
        printed = table.archive(report)
        first, *above = printed[: printed.index("\n".join(answer)) + len("\n".join(answer))].splitlines()
        assert above == answer, "nothing but the verdict stands above it"
        assert max(map(len, answer)) <= WIDTH
        assert ceil(len(first) / WIDTH) + len(answer) <= HEIGHT
        named = re.split(
            ", ", _words(" , ".join(line for line in answer if re.match(" {6}[^ ]", line))).replace(" ,", ",")
        )
        assert sorted(filter(None, (each.strip(", ") for each in named))) == sorted(reader.called for reader in Reader)


def test_reasons_are_short_and_ids_too_and_nothing_is_lost() -> None:
    report = report_of(next(case for case in CRAFTED if case.name == "VIEW-02-missing-blob").make())
    told = "\n".join(sides_table.answer(case_of(report), Style()))
    assert not re.search("[0-9a-f]{13}", told)
    assert "regctl by manifest.json, since the blob 4ffc76ea0c12 is not in the archive" in _words(told)
    assert "podman load by manifest.json, since as an OCI archive it fails" in _words(told)
    whole = table.archive(report, verbose=True)
    for load in case_of(report).loads:
        assert load.why in whole
        assert load.image_id is None or str(load.image_id) in whole


def test_of_many_images_those_of_the_contradiction_are_shown() -> None:
    others = [builder.ImageSpec(extra={"author": str(number)}, tags=[f"example.com/o:{number}"]) for number in range(5)]
    entries = builder.containerd([good(), *others])
    by_save = builder.containerd([evil(), *others])
    known = {entry.path for entry in entries}
    entries += [entry for entry in by_save if entry.path not in known]
    builder.replace(entries, "manifest.json", builder.find(by_save, "manifest.json").data)
    told = sides_table.answer(case_of(report_of(entries)), Style())
    assert told[2] == "  for example.com/app:1.0"
    assert sum(bool(re.match("    @", line)) for line in told) == 2


def test_where_names_are_exchanged_the_name_is_told() -> None:
    one, other = good(), evil("example.com/app:2.0")
    entries = builder.containerd([one, other])
    saved = builder.find(entries, "manifest.json")
    saved.data = saved.data.replace(b"app:1.0", b"app:x").replace(b"app:2.0", b"app:1.0").replace(b"app:x", b"app:2.0")
    told = "\n".join(sides_table.answer(case_of(report_of(entries)), Style()))
    assert re.search("^  for example.com/app:[12].0, and for 1 more$", told, re.MULTILINE)
    assert len(re.findall("^    @", told, re.MULTILINE)) == 2


def test_ids_that_were_made_to_begin_alike_are_told_apart() -> None:
    one, other = f"sha256:{'ab' * 8}{'0' * 48}", f"sha256:{'ab' * 8}{'1' * 48}"
    assert digits_needed([one]) == 12
    assert digits_needed([one, other]) == 20

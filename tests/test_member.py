"""``inspect --member``: everything that is known of one member, and which one is meant."""

from pathlib import Path

import pytest

from imgforensics.dossier import own_header
from imgforensics.model import Member, MemberKind, Span
from tests import builder
from tests.builder import Entry
from tests.evidence import HOSTILE, document, invoke, is_safe, refused
from tests.support import case_of, report_of


def save(folder: Path, entries: list[Entry] | bytes, name: str = "image.tar") -> Path:
    path = folder / name
    path.write_bytes(entries if isinstance(entries, bytes) else builder.tar(entries))
    return path


@pytest.fixture
def crane(tmp_path: Path) -> Path:
    return save(tmp_path, builder.archive("crane"))


def test_a_layer_is_told_with_its_digests_its_gzip_header_and_who_uses_it(crane: Path) -> None:
    case = case_of(report_of(crane.read_bytes()))
    layer = case.structure.images[0].layers[1]
    assert layer.member is not None
    blob = case.catalogue.blobs[layer.member]
    name = case.name(layer.member)
    (told,) = document(invoke("inspect", crane, "--member", name, "-f", "json"))["members"]
    assert told["index"] == layer.member
    assert told["bytes"]["digest"] == str(blob.digest)
    assert told["bytes"]["diff_id"] == layer.claimed_diff_id
    assert told["bytes"]["gzip_header"]["first10"] == "1f8b08000000000000ff"
    assert told["used_by"] == [{"image": 0, "layer": 1}]
    assert [each["role"] for each in told["references"]] == ["layer"]
    assert told["name_claims"] == str(blob.digest)
    assert {each["verdict"] for each in told["verifications"]} == {"match"}
    assert told["preview"]["stored"].startswith("1f8b08")
    assert bytes.fromhex(told["preview"]["uncompressed"]).startswith(b"etc/app.conf\0")
    assert not told["orphan"]
    table = invoke("inspect", crane, "--member", name).stdout
    assert f"{blob.digest}" in table
    assert f"{blob.diff_id}" in table
    assert "used by   image @0 as layer 1" in table
    assert "uncompressed" in table


def test_a_document_is_shown_as_text(crane: Path) -> None:
    result = invoke("inspect", crane, "--member", "manifest.json")
    assert result.exit_code == 0
    assert "a JSON document: docker save manifest" in result.stdout
    assert '        "RepoTags": [' in result.stdout


def test_an_odd_document_is_shown_as_it_stands(tmp_path: Path) -> None:
    entries = builder.crane([builder.ImageSpec()])
    manifest = builder.find(entries, "manifest.json")
    manifest.data = manifest.data.replace(b'"Config"', b'"Config":"first","Config"', 1)
    shown = invoke("inspect", save(tmp_path, entries), "--member", "manifest.json").stdout
    assert '"Config":"first","Config"' in shown
    assert "duplicate-key" in shown


def test_every_member_of_a_name_is_told_and_a_number_chooses_one(tmp_path: Path) -> None:
    entries = builder.crane([builder.ImageSpec()])
    builder.duplicate(entries, "manifest.json", b"[]")
    path = save(tmp_path, entries)
    result = invoke("inspect", path, "--member", "manifest.json", "-f", "json")
    assert result.exit_code == 1  # the archive is bad, as without --member
    first, second = document(result)["members"]
    assert first["occurrences"] == second["occurrences"] == [first["index"], second["index"]]
    assert {"IMG104"} <= {each["code"] for each in first["findings"]}
    (one,) = document(invoke("inspect", path, "--member", f"@{second['index']}", "-f", "json"))["members"]
    assert one == second
    table = invoke("inspect", path, "--member", "manifest.json").stdout
    assert table.count(f"stands 2 times: @{first['index']}, @{second['index']}") == 2


def test_a_number_is_a_number_also_where_a_member_is_called_so(tmp_path: Path) -> None:
    entries = [*builder.crane([builder.ImageSpec()]), Entry("@0", b"tricky")]
    (told,) = document(invoke("inspect", save(tmp_path, entries), "--member", "@0", "-f", "json"))["members"]
    assert told["index"] == 0
    assert told["name"] != "@0"


def test_a_cleaned_name_leads_to_the_member(tmp_path: Path) -> None:
    entries = [Entry(f"./{entry.path}", entry.data) for entry in builder.crane([builder.ImageSpec()])]
    (told,) = document(invoke("inspect", save(tmp_path, entries), "--member", "manifest.json", "-f", "json"))["members"]
    assert (told["name"], told["path"]) == ("./manifest.json", "manifest.json")


def test_plain_header_and_extensions_are_both_told(tmp_path: Path) -> None:
    records = {"path": "hidden.json", "mtime": "12.5", "uid": "7", "SCHILY.xattr.user.x": "v", "comment": "a\x1bb"}
    entries = [*builder.crane([builder.ImageSpec()]), Entry("shown.json", b"{}", uid=3, mtime=9, pax=records)]
    path = save(tmp_path, entries)
    (told,) = document(invoke("inspect", path, "--member", "hidden.json", "-f", "json"))["members"]
    header = told["header"]
    assert (header["plain"]["name"], told["name"]) == ("shown.json", "hidden.json")
    assert (header["plain"]["uid"], header["uid"]) == (3, 7)
    assert (header["plain"]["mtime"], header["mtime"]) == (9, 12.5)
    assert ["path", "hidden.json"] in header["pax"]
    assert told["orphan"]
    assert "pax-overrides" in {each["kind"] for each in told["anomalies"]}
    table = invoke("inspect", path, "--member", "hidden.json").stdout
    assert "name is shown.json in the header itself" in table
    assert "comment = a\\x1bb" in table
    assert is_safe(table)


def test_a_link_is_told_with_its_end_and_the_end_with_its_link(tmp_path: Path) -> None:
    same = builder.two_layers()[0]
    path = save(tmp_path, builder.docker_legacy([builder.ImageSpec(layers=[same, same])]))
    members = case_of(report_of(path.read_bytes())).catalogue.members
    (link,) = (member for member in members if member.kind is MemberKind.SYMLINK)
    (told,) = document(invoke("inspect", path, "--member", f"@{link.index}", "-f", "json"))["members"]
    (end,) = told["leads_to"]
    (other,) = document(invoke("inspect", path, "--member", f"@{end['index']}", "-f", "json"))["members"]
    assert other["linked_from"] == [{"index": link.index, "name": link.name}]
    assert "which leads to @" in invoke("inspect", path, "--member", f"@{link.index}").stdout


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_found_and_shown_escaped(tmp_path: Path, name: str) -> None:
    entries = [*builder.crane([builder.ImageSpec()]), Entry(name, b"\x1b]0;title\x07", pax={"path": name})]
    path = save(tmp_path, entries)
    number = len(case_of(report_of(path.read_bytes())).catalogue.members) - 1
    for asked in (f"@{number}", name):
        if "\udcff" in asked:
            continue  # the test runner encodes arguments itself
        (told,) = document(invoke("inspect", path, "--member", asked, "-f", "json"))["members"]
        assert told["index"] == number
        assert is_safe(invoke("inspect", path, "--member", asked).stdout)


def test_a_member_that_is_not_there_is_no_answer(crane: Path) -> None:
    refused(invoke("inspect", crane, "--member", "nothing"), "no member 'nothing' in the archive")
    refused(invoke("inspect", crane, "--member", "@99"), "no member '@99' in the archive; it holds")
    refused(invoke("inspect", crane, "--member", "@" + "9" * 5000), "no member '@99999")
    refused(invoke("inspect", crane, "--member", "\x1b[2J"), "no member '\\x1b[2J'")


def test_near_names_are_offered(tmp_path: Path) -> None:
    path = save(tmp_path, builder.docker_legacy([builder.ImageSpec()]))
    refused(invoke("inspect", path, "--member", "layer.tar"), "perhaps @")


def test_one_archive_and_one_question_at_a_time(crane: Path, tmp_path: Path) -> None:
    refused(invoke("inspect", crane, crane, "--member", "@0"), "--member takes one archive, not 2")
    refused(invoke("inspect", crane, "--member", "@0", "--files"), "two questions")
    refused(invoke("inspect", tmp_path, "--member", "@0"), "one archive is wanted here")
    refused(invoke("inspect", tmp_path / "gone.tar", "--member", "@0"), "gone.tar: No such file or directory")
    refused(invoke("inspect", crane, "--member", "@0", "-o", crane), "a report never replaces evidence")


def test_a_name_that_stands_a_thousand_times_is_not_told_a_thousand_times(tmp_path: Path) -> None:
    path = save(tmp_path, [*builder.crane([builder.ImageSpec()]), *[Entry("x", b"1")] * 101])
    refused(invoke("inspect", path, "--member", "x"), "101 members are meant, 100 at most are told about")


def test_standard_input_is_an_archive(crane: Path) -> None:
    result = invoke("inspect", "-", "--member", "@0", "-f", "json", stdin=crane.read_bytes())
    assert document(result)["archive"]["path"] == "-"


def test_extension_headers_without_end_are_not_followed() -> None:
    pad = builder.tar([Entry("x", b"", b"x")], end=b"")

    def read(offset: int, length: int) -> bytes:
        return (pad * 2000)[offset : offset + length]

    member = Member(0, "x", MemberKind.FILE, Span(0, len(pad) * 2000), Span(len(pad) * 2000, 0))
    assert own_header(member, read) is None
    assert own_header(member, lambda _offset, _length: b"") is None


def test_what_is_long_is_cut_in_the_table_and_whole_in_the_document(tmp_path: Path) -> None:
    records = [*((f"X.{number}", "v") for number in range(30)), ("X.long", "y" * 500)]
    comment = (
        builder.gz(b"data")[:3]
        + b"\x18"
        + builder.gz(b"data")[4:10]
        + b"na\x1bme\0a comment\0"
        + builder.gz(b"data")[10:]
    )
    lines = builder.go({str(number): "z" * 200 for number in range(80)})
    entries = builder.crane([builder.ImageSpec()])
    entries += [Entry("pax", b"", pax=records[::-1]), Entry("gz", comment), Entry("many.json", lines)]
    path = save(tmp_path, entries)
    table = invoke("inspect", path, "--member", "pax").stdout
    assert "11 records more (--format json)" in table
    assert "... 340 characters more" in table
    (told,) = document(invoke("inspect", path, "--member", "pax", "-f", "json"))["members"]
    assert len(told["header"]["pax"]) == 31
    table = invoke("inspect", path, "--member", "gz").stdout
    assert "name: na\\x1bme" in table
    assert "comment: a comment" in table
    (told,) = document(invoke("inspect", path, "--member", "gz", "-f", "json"))["members"]
    assert (told["bytes"]["gzip_header"]["name"], told["bytes"]["uncompressed_size"]) == ("na\x1bme", 4)
    table = invoke("inspect", path, "--member", "many.json").stdout
    assert "... 22 lines more" in table
    assert "characters more" in table


def test_a_member_that_is_damaged_cut_off_or_hidden_says_so(tmp_path: Path) -> None:
    entries = builder.crane([builder.ImageSpec()])
    entries += [Entry("wrong", b"x" * 100, checksum=1), Entry("last", b"y" * 5000)]
    path = save(tmp_path, builder.tar(entries)[:-4000])
    assert "its checksum is wrong" in invoke("inspect", path, "--member", "wrong").stdout
    assert "of them there" in invoke("inspect", path, "--member", "last").stdout
    path = save(tmp_path, builder.tar(builder.crane([builder.ImageSpec()])) + builder.tar([Entry("late", b"1")]))
    assert "found behind damage or the end marker" in invoke("inspect", path, "--member", "late").stdout
    assert "not hashed" not in invoke("inspect", path, "--member", "late").stdout


def test_a_large_member_is_not_measured_where_only_structure_is_asked_for(tmp_path: Path) -> None:
    entries = [*builder.crane([builder.ImageSpec()]), Entry("large", bytes(2 << 20))]
    table = invoke("inspect", save(tmp_path, entries), "--member", "large", "--fast").stdout
    assert "structure only was asked for" in table


def test_every_spelling_of_a_path_is_meant(tmp_path: Path) -> None:
    spelled = ["manifest.json", "./manifest.json", "x/../manifest.json", "/manifest.json"]
    entries = [*builder.crane([builder.ImageSpec()])]
    place = next(number for number, entry in enumerate(entries) if entry.name == "manifest.json")
    entries += [Entry(name, b"[]", pax={"path": name}) for name in spelled[1:]]
    meant = [place, *range(len(entries) - 3, len(entries))]
    path = save(tmp_path, entries)
    for name in spelled:
        told = document(invoke("inspect", path, "--member", name, "-f", "json"))["members"]
        assert [each["index"] for each in told] == meant, name

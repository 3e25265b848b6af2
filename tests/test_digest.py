"""Which digest a registry shows: candidates, expectations, mixed layers, the ledger, and work done once."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imgforensics import Digest, Options, SelectionError, Verdict, analyze, recompress
from imgforensics.expectation import Expectation, Result, SuppliedManifest
from imgforensics.learn import from_archive, from_manifest
from imgforensics.recompress import ENCODERS, measure
from imgforensics.reconstruct.build import LayerDescriptor, build
from imgforensics.reconstruct.ledger import KnownLayer, Ledger, Stream
from imgforensics.reconstruct.material import EMPTY_LAYER, Piece
from imgforensics.reconstruct.pushers import PUSHERS
from imgforensics.reconstruct.search import OLD_EMPTY_LAYER
from imgforensics.reconstruct.workshop import Workshop
from imgforensics.report import ArchiveReport
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import case_of, codes, edit, the

FIXTURES = Path(__file__).parent / "fixtures"
PUSHED: list[dict[str, str]] = json.loads((FIXTURES / "pushed.json").read_text("utf-8"))
BY_NAME = {pusher.name: pusher for pusher in PUSHERS}
ANY = f"sha256:{'5' * 64}"


def look(archive: bytes | list[Entry] | Path, *expect: str, **options: Any) -> ArchiveReport:
    data = archive if isinstance(archive, bytes | Path) else builder.tar(archive)
    source = data if isinstance(data, Path) else io.BytesIO(data)
    return analyze(source, Options(expect=expect, **options)).archives[0]


def told(report: ArchiveReport) -> Expectation:
    (expectation,) = case_of(report).expectations
    return expectation


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def supplied(content: bytes) -> SuppliedManifest:
    return SuppliedManifest("manifest.json", content, Digest.parse(sha(content)))


def streams(spec: ImageSpec, encoding: str) -> list[LayerDescriptor]:
    result = []
    for data in spec.layers:
        made = measure(encoding, [data])
        result.append(LayerDescriptor(Digest.sha256(made.digest), made.size))
    return result


def pushed(spec: ImageSpec, pusher: str, layers: list[LayerDescriptor], config: bytes | None = None) -> bytes:
    return build(BY_NAME[pusher], config or config_of(spec), layers).content


def config_of(spec: ImageSpec) -> bytes:
    return builder.config_of(builder.docker_legacy([spec])).data


THREE = ImageSpec(
    layers=[builder.layer({"a": b"a" * 5000}), builder.layer({"b": b"b" * 700}), builder.layer({"c": b"c"})]
)


# ------------------------------------------------------------------------------------------------------ candidates


@pytest.mark.parametrize("push", PUSHED, ids=lambda push: f"{push['archive']}-{push['tool']}-{push['digest'][7:13]}")
def test_what_real_tools_pushed_matches(push: dict[str, str]) -> None:
    report = look(FIXTURES / push["archive"], push["digest"], digests=True)
    assert told(report).result is Result.MATCH
    assert not [code for code in codes(report) if code.startswith("IMG6")]
    likely = {str(each.likely.digest) for each in report.registries.values() if each.likely is not None}
    assert push["digest"] in likely
    found = [
        each for one in report.registries.values() for each in one.candidates if str(each.digest) == push["digest"]
    ]
    assert found[0].content == push["manifest"].encode()


def test_docker_push_is_likely_without_being_asked_for() -> None:
    for push in PUSHED:
        if push["tool"] != "docker":
            continue
        report = look(FIXTURES / push["archive"], digests=True, image=None)
        likely = [str(one.likely.digest) for one in report.registries.values() if one.likely is not None]
        assert push["digest"] in likely


def test_a_preserved_manifest_is_the_answer_and_nothing_is_compressed() -> None:
    report = look(FIXTURES / "ctr-export.tar", digests=True)
    (registry,) = report.registries.values()
    (only,) = registry.candidates
    assert registry.likely is only
    assert (only.basis, only.likelihood, only.pusher) == ("preserved", "certain", None)
    assert sha(only.content) == str(only.digest)


def test_the_manifest_that_docker_25_makes_up_is_no_registry_manifest() -> None:
    report = look(builder.docker25([THREE]), digests=True)
    (registry,) = report.registries.values()
    assert registry.likely is not None
    assert (registry.likely.pusher, registry.likely.basis) == ("docker", "reconstructed")
    (made_up,) = [each for each in registry.candidates if each.basis == "preserved"]
    assert made_up.likelihood == "possible"
    assert any("made up by docker save" in sentence for sentence in made_up.evidence)


def test_pushers_are_chosen_by_name() -> None:
    report = look(builder.docker_legacy([THREE]), digests=True, pushers=("jib",))
    (registry,) = report.registries.values()
    assert {each.pusher for each in registry.candidates} == {"jib"}
    every = look(builder.docker_legacy([THREE]), digests=True, pushers=("all",))
    names = {each.pusher for each in every.registries[0].candidates}
    assert {"docker", "crane", "jib", "containerd-load"} <= names
    tool = look(builder.docker_legacy([THREE]), digests=True, pushers=("kaniko",))
    assert {each.pusher for each in tool.registries[0].candidates} == {"crane", "crane-oci"}
    with pytest.raises(SelectionError, match="no pusher 'doker'; there are"):
        look(builder.docker_legacy([THREE]), digests=True, pushers=("doker",))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (builder.swap_layer, "is not the layer that the config names"),
        (builder.swap_config, "is not the one that its name promises"),
    ],
)
def test_a_tampered_image_has_no_candidates(spoil: Callable[[list[Entry]], object], words: str) -> None:
    entries = builder.docker_legacy([THREE])
    spoil(entries)
    report = look(entries, digests=True)
    assert report.verdict is Verdict.TAMPERED
    (registry,) = report.registries.values()
    assert (registry.candidates, registry.likely) == ((), None)
    assert words in registry.reasons[0]


# ---------------------------------------------------------------------------------------------------- expectations


def test_nothing_is_asked_and_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recompress, "measure", lambda *_: pytest.fail("a layer was compressed"))
    report = look(builder.docker_legacy([THREE]))
    assert report.registries == {}
    assert case_of(report).expectations == ()


@pytest.mark.parametrize("form", [str, lambda text: text.removeprefix("sha256:")])
def test_an_image_id_is_an_answer(form: Callable[[str], str]) -> None:
    entries = builder.docker_legacy([THREE])
    report = look(entries, form(sha(builder.config_of(entries).data)))
    assert (told(report).result, told(report).image) == (Result.MATCH, 0)
    assert "image ID" in told(report).how
    assert report.verdict is Verdict.INTACT


def test_a_digest_may_be_expected_of_one_image() -> None:
    other = ImageSpec(layers=[builder.layer({"other": b"other"})], tags=["other:2"])
    entries = builder.docker_legacy([THREE, other])
    ids = [sha(builder.config_of(entries, image).data) for image in (0, 1)]
    right = look(entries, f"{THREE.tags[0]}={ids[0]}", f"other:2={ids[1]}", f"@1={ids[1].removeprefix('sha256:')}")
    assert [(each.result, each.image) for each in case_of(right).expectations] == [
        (Result.MATCH, 0),
        (Result.MATCH, 1),
        (Result.MATCH, 1),
    ]
    assert right.verdict is Verdict.INTACT
    wrong = look(entries, f"other:2={ids[0]}", ids[0])
    assert [(each.result, each.image) for each in case_of(wrong).expectations] == [
        (Result.REFUTED, 1),
        (Result.MATCH, 0),
    ]
    assert "expected of image @1, 'other:2', but it names image @0" in the(wrong, "IMG601").message
    absent = look(entries, f"third:3={ids[0]}")
    assert told(absent).result is Result.NOT_REPRODUCED
    assert "no image of the archive is called 'third:3'" in told(absent).how
    unknown = look(entries, f"other:2={ANY}")
    assert (told(unknown).result, told(unknown).image) == (Result.NOT_REPRODUCED, 1)


def test_an_image_id_over_other_layers_is_refuted() -> None:
    entries = builder.docker_legacy([THREE])
    builder.swap_layer(entries)
    report = look(entries, sha(builder.config_of(entries).data))
    assert told(report).result is Result.REFUTED
    assert the(report, "IMG601").claimed == str(told(report).digest)


def test_an_image_id_without_its_layers_is_not_proved() -> None:
    entries = builder.containerd([THREE])
    entries.remove(builder.layers_of(entries)[1])
    report = look(entries, sha(builder.config_of(entries).data))
    assert told(report).result is Result.NOT_REPRODUCED
    assert "layers 1 are not in the archive" in told(report).how


def test_an_index_in_the_archive_matches() -> None:
    report = look(builder.containerd([ImageSpec(platform="linux/amd64")], index=True), digests=True)
    (candidate,) = report.registries[0].candidates
    assert candidate.indexes
    again = look(builder.containerd([ImageSpec(platform="linux/amd64")], index=True), str(candidate.indexes[0]))
    assert told(again).result is Result.MATCH


def test_what_cannot_be_found_is_not_reproduced_and_never_refuted() -> None:
    report = look(builder.docker_legacy([THREE]), ANY)
    assert told(report).result is Result.NOT_REPRODUCED
    assert "manifests tried with go1.8-6" in told(report).how
    finding = the(report, "IMG602")
    assert (finding.severity, report.verdict) == ("error", Verdict.INTACT)


@pytest.mark.parametrize("text", ["sha256:12", "md5:5", "x", "", f"sha256:{'G' * 64}"])
def test_an_expectation_that_is_no_digest_is_an_error(text: str) -> None:
    with pytest.raises(SelectionError, match="is no digest|registries show SHA-256"):
        look(builder.docker_legacy([THREE]), text)


@pytest.mark.parametrize("split", [1, 2])
@pytest.mark.parametrize(("lower", "upper"), [("go1.8-1", "go1.8-6"), ("go1.8-6", "go1.8-1")])
def test_lower_and_upper_layers_by_different_encoders(split: int, lower: str, upper: str) -> None:
    layers = streams(THREE, lower)[:split] + streams(THREE, upper)[split:]
    report = look(builder.docker_legacy([THREE]), sha(pushed(THREE, "docker", layers)))
    assert told(report).result is Result.MATCH


def test_the_empty_layer_in_its_old_form() -> None:
    spec = ImageSpec(layers=[THREE.layers[0], bytes(1024)])
    assert sha(bytes(1024)) == str(EMPTY_LAYER)
    assert measure("go1.7-6", [bytes(1024)]).digest == OLD_EMPTY_LAYER.digest.encoded
    layers = [streams(spec, "go1.8-6")[0], OLD_EMPTY_LAYER]
    report = look(builder.docker_legacy([spec]), sha(pushed(spec, "docker", layers)))
    assert told(report).result is Result.MATCH


def test_stored_layers_are_taken_as_they_are() -> None:
    """crane labels what it finds and uploads it: here blobs that no encoder of ours makes."""
    entries = builder.crane([THREE], compression="gzip")
    blobs = [entry.data for entry in builder.layers_of(entries)]
    layers = [LayerDescriptor(Digest.parse(sha(blob)), len(blob)) for blob in blobs]
    manifest = pushed(THREE, "crane", layers, builder.config_of(entries).data)
    report = look(entries, sha(manifest), digests=True)
    assert told(report).result is Result.MATCH
    assert report.registries[0].likely is not None
    assert report.registries[0].likely.encoder == "stored"


# ------------------------------------------------------------------------------------------------ manifests handed in


def manifest_over(spec: ImageSpec, **changes: Any) -> bytes:
    layers = [LayerDescriptor(Digest.parse(sha(gzip.compress(data))), len(data)) for data in spec.layers]
    document = json.loads(pushed(spec, "docker", layers))
    for key, value in changes.items():
        document[key] = value
    return json.dumps(document).encode()


def test_a_manifest_over_the_config_proves_without_compressing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recompress, "measure", lambda *_: pytest.fail("a layer was compressed"))
    given = supplied(manifest_over(THREE))
    report = look(builder.docker_legacy([THREE]), str(given.digest), manifests=(given,))
    assert (told(report).result, told(report).digest) == (Result.MATCH, given.digest)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (manifest_over(ImageSpec(layers=[b"other"])), "no image in the archive has it"),
        (manifest_over(THREE, layers=[]), "it has 0 layers, the config 3"),
    ],
)
def test_a_manifest_that_contradicts_refutes(content: bytes, words: str) -> None:
    report = look(builder.docker_legacy([THREE]), manifests=(supplied(content),))
    assert told(report).result is Result.REFUTED
    assert words in the(report, "IMG601").message
    assert report.verdict is Verdict.SUSPECT


def test_a_manifest_over_swapped_layers_refutes() -> None:
    entries = builder.docker_legacy([THREE])
    builder.swap_layer(entries)
    report = look(entries, manifests=(supplied(manifest_over(THREE)),))
    assert told(report).result is Result.REFUTED
    assert report.verdict is Verdict.TAMPERED


@pytest.mark.parametrize("content", [b"", b"hello", b"{}", b"[]", b'{"manifests": []}', b'{"config": 1, "layers": 2}'])
def test_what_is_no_manifest_proves_nothing(content: bytes) -> None:
    result = told(look(builder.docker_legacy([THREE]), manifests=(supplied(content),))).result
    assert result in (Result.NOT_REPRODUCED, Result.REFUTED)


# --------------------------------------------------------------------------------------------------------- the ledger


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.sqlite")


def test_recompressions_are_done_once(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def counting(name: str, chunks: Any, jobs: int = 1) -> Any:
        done.append(name)
        return measure(name, chunks, jobs)

    monkeypatch.setattr(recompress, "measure", counting)
    spec = ImageSpec(layers=[THREE.layers[0], THREE.layers[0], THREE.layers[1]])
    first = look(builder.docker_legacy([spec, THREE]), digests=True, ledger=path)
    assert len(done) == len(set(done)) * 3  # three different layers in two images, once for each encoder
    second = look(builder.docker_legacy([spec, THREE]), digests=True, ledger=path)
    assert len(done) == len(set(done)) * 3
    assert first.registries == second.registries


def test_learned_layers_are_tried(path: str) -> None:
    """A base image that nothing here can compress, learned from an archive that has it as its registry does."""
    base = ImageSpec(layers=THREE.layers[:2])
    odd = [gzip.compress(data, 3) for data in base.layers]
    entries = builder.crane([base], compression="none")
    for entry, data in zip(builder.layers_of(entries), odd, strict=True):
        entry.name = f"{hashlib.sha256(data).hexdigest()}.tar.gz"
        entry.data = data
    edit(
        entries, "manifest.json", lambda d: d[0].update(Layers=[e.name for e in entries if str(e.name).endswith(".gz")])
    )
    forms = [LayerDescriptor(Digest.parse(sha(data)), len(data)) for data in odd]
    wanted = sha(pushed(THREE, "docker", [*forms, streams(THREE, "go1.8-6")[2]]))
    assert told(look(builder.docker_legacy([THREE]), wanted)).result is Result.NOT_REPRODUCED
    with Ledger(path) as ledger:
        lesson = from_archive(look(entries), ledger)
        assert (lesson.refused, lesson.layers) == (None, 2)
        assert from_archive(look(entries), ledger).layers == 0
    assert told(look(builder.docker_legacy([THREE]), wanted, ledger=path)).result is Result.MATCH
    (registry,) = look(builder.docker_legacy([THREE]), digests=True, ledger=path).registries.values()
    assert registry.likely is not None
    assert str(registry.likely.digest) != wanted, "a push to an empty registry stays the likeliest"
    (known,) = [each for each in registry.candidates if str(each.digest) == wanted]
    assert (known.likelihood, known.pusher) == ("possible", "docker")
    assert "in the form that was learned" in known.assumptions[0]


def test_nothing_is_learned_from_an_archive_that_fails(path: str) -> None:
    entries = builder.crane([THREE])
    builder.swap_layer(entries)
    with Ledger(path) as ledger:
        lesson = from_archive(look(entries), ledger)
        assert lesson.refused is not None
        assert "fails its own verification: IMG30" in lesson.refused
        assert not any(ledger.layers(Digest.parse(sha(data))) for data in THREE.layers)


def test_a_learned_manifest_answers_and_tells_its_layers(path: str) -> None:
    content = manifest_over(THREE)
    archive = builder.docker_legacy([THREE])
    with Ledger(path) as ledger:
        assert from_manifest(content, "m.json", ledger).manifests == 1
        assert ledger.layers(Digest.parse(sha(THREE.layers[0]))) == ()
        assert from_archive(look(archive), ledger).layers == 3  # now the config is known
        assert len(ledger.layers(Digest.parse(sha(THREE.layers[0])))) == 1
    report = look(archive, sha(content), digests=True, ledger=path)
    assert told(report).result is Result.MATCH
    assert report.registries[0].likely is not None
    assert report.registries[0].likely.content == content


def test_a_wrong_ledger_gives_no_wrong_answer(path: str) -> None:
    wanted = sha(pushed(THREE, "docker", streams(THREE, "go1.8-6")))
    with Ledger(path) as ledger:
        for data in THREE.layers:
            diff_id = Digest.parse(sha(data))
            ledger.learn_layer(KnownLayer(diff_id, Digest.parse(ANY), 1, "", "a liar"))
    assert told(look(builder.docker_legacy([THREE]), wanted, ledger=path)).result is Result.MATCH
    assert told(look(builder.docker_legacy([THREE]), ANY, ledger=path)).result is Result.NOT_REPRODUCED


# --------------------------------------------------------------------------------------------------------- the workshop


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_every_number_of_jobs_gives_the_same_streams(jobs: int) -> None:
    contents = [bytes([number]) * (10_000 * number) for number in range(1, 5)] + [bytes(300_000), b""]
    pieces = [Piece(n, Digest.parse(sha(data)), n, len(data), None) for n, data in enumerate(contents)]
    shop = Workshop(lambda member: iter([contents[member]]), jobs)
    made = shop.streams(pieces, "zlib-6")
    for data in contents:
        expected = measure("zlib-6", [data])
        assert made[Digest.parse(sha(data))] == Stream(Digest.sha256(expected.digest), expected.size)
    assert shop.compressed == sum(map(len, contents))


def test_a_failure_in_one_layer_stops_the_others() -> None:
    def broken(member: int) -> Any:
        if member == 1:
            raise ValueError("broken")
        yield b"x" * 1000

    pieces = [Piece(n, Digest.sha256(f"{n:064x}"), n, 1000, None) for n in range(8)]
    with pytest.raises(ValueError, match="broken"):
        Workshop(broken, 2).streams(pieces, "zlib-6")


def test_every_encoder_of_every_pusher_is_there() -> None:
    named = {name for pusher in PUSHERS for name in (*pusher.encoders, *pusher.reuses)}
    assert named - set(ENCODERS) <= {"stored", "go1.6-6"}

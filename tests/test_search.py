"""The search for a digest: tries that are joined from parts are what is built, each is made once, and there is an end."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest

from imgforensics import Digest, Options, analyze
from imgforensics.expectation import Result
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import Compression
from imgforensics.recompress import measure
from imgforensics.reconstruct import candidates
from imgforensics.reconstruct.build import BuiltManifest, LayerDescriptor, NotDerivableError, build
from imgforensics.reconstruct.manifest import STYLES, Entry, spell_frame, spell_layer, write_manifest
from imgforensics.reconstruct.material import Material
from imgforensics.reconstruct.pusher import Pusher
from imgforensics.reconstruct.pushers import PUSHERS
from imgforensics.reconstruct.trial import Allowance, Speller
from imgforensics.report import ArchiveReport
from tests import builder
from tests.builder import ImageSpec
from tests.support import case_of

ANY = f"sha256:{'5' * 64}"
SPEC = ImageSpec(layers=[builder.layer({name: name.encode() * 300}) for name in "abc"])
CONFIG = builder.config_of(builder.docker_legacy([SPEC])).data


def descriptor(number: int, compression: Compression = Compression.GZIP, **more: object) -> LayerDescriptor:
    return replace(LayerDescriptor(Digest.sha256(f"{number:064x}"), 10**number, None, compression), **more)  # type: ignore[arg-type]


FORMS = [
    descriptor(1),
    descriptor(2, annotations={"b": "<\u2028\\>", "a": 'é"\ud800'}),
    descriptor(3, Compression.NONE),
    descriptor(4, Compression.ZSTD),
    descriptor(5, media_type="foreign/\x07", urls=("https://example.com/a?b&c",)),
]


def look(spec: ImageSpec, *others: ImageSpec, expect: str = ANY, search: int | None = None) -> ArchiveReport:
    limits = DEFAULT_LIMITS if search is None else replace(DEFAULT_LIMITS, search=search)
    data = builder.tar(builder.docker_legacy([spec, *others]))
    return analyze(io.BytesIO(data), Options(expect=(expect,), limits=limits)).archives[0]


def how(report: ArchiveReport) -> str:
    (told,) = case_of(report).expectations
    assert told.result is Result.NOT_REPRODUCED
    return told.how


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pusher's name of every manifest that is built in earnest."""
    seen: list[str] = []

    def counted(pusher: Pusher, *arguments: object) -> BuiltManifest:
        seen.append(pusher.name)
        return build(pusher, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(candidates, "build", counted)
    return seen


@pytest.mark.parametrize("annotations", [None, {}, {"z": "é<", "layers": "[]"}])
@pytest.mark.parametrize("pusher", PUSHERS, ids=lambda pusher: pusher.name)
def test_a_try_is_what_is_built(pusher: Pusher, annotations: dict[str, str] | None) -> None:
    material = Material(0, CONFIG, Digest.sha256("0" * 64), (None,) * 3, annotations)  # type: ignore[arg-type]
    speller = Speller(pusher, material, Allowance(10**6, 1))
    for row in [(0, 0, 0), (0, 1, 0), (1, 0, 4), (2, 0, 2), (3, 3, 0)]:
        try:
            expected = build(pusher, CONFIG, [FORMS[number] for number in row], annotations)
        except NotDerivableError:
            with pytest.raises(NotDerivableError):
                speller.fragments(row, FORMS)
            continue
        fragments = speller.fragments(row, FORMS)
        assert speller.frame.join(fragments) == expected.content
        assert speller.hash(fragments).hex() == expected.digest.encoded


@pytest.mark.parametrize("annotations", [{}, {"a": "b"}])
@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_a_frame_holds_any_number_of_layers(style, annotations: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    config = Entry("t/config", Digest.sha256("c" * 64), 7)
    frame = spell_frame(style, "t/manifest", config, annotations)
    for count in range(4):
        layers = [Entry("t/layer", Digest.sha256(f"{number:064x}"), number) for number in range(count)]
        joined = frame.join([spell_layer(style, layer) for layer in layers])
        assert joined == write_manifest(style, "t/manifest", config, layers, annotations)


def test_only_a_hit_is_built(builds: list[str]) -> None:
    report = look(SPEC)
    assert "manifests tried" in how(report)
    assert builds == []
    low = [measure("pgzip-c", [data]) for data in SPEC.layers[:1]]
    high = [measure("go1.8-6", [data]) for data in SPEC.layers[1:]]
    layers = [LayerDescriptor(Digest.sha256(made.digest), made.size) for made in (*low, *high)]
    docker = next(pusher for pusher in PUSHERS if pusher.name == "docker")
    digest = str(build(docker, CONFIG, layers).digest)
    (told,) = case_of(look(SPEC, expect=digest)).expectations
    assert told.result is Result.MATCH
    assert builds == ["docker"]


def test_the_search_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    written = _count_layers(monkeypatch)
    spec = ImageSpec(layers=[builder.layer({f"f{number}": b"x" * number}) for number in range(60)])
    assert "then gave up" in how(look(spec, search=20_000))
    assert 60 < sum(written) <= 20_000
    written.clear()
    assert "gave up" not in how(look(SPEC, search=20_000))


def test_images_share_what_may_be_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    written = _count_layers(monkeypatch)
    specs = [
        ImageSpec(layers=[builder.layer({f"f{number}": bytes([image]) * number}) for number in range(20)])
        for image in range(4)
    ]
    told = how(look(*specs, search=20_000)).split("; ")
    assert sum(written) <= 20_000
    for image in range(4):
        (line,) = [line for line in told if line.startswith(f"image @{image}: ")]
        assert int(line.split()[2]) > 10
        assert line.endswith("then gave up")


def _count_layers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    written: list[int] = []
    hashed = Speller.hash

    def counted(self: Speller, fragments: tuple[bytes, ...]) -> bytes:
        written.append(len(fragments))
        return hashed(self, fragments)

    monkeypatch.setattr(Speller, "hash", counted)
    return written


def test_hardly_a_manifest_is_tried_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    hashed = Speller.hash

    def kept(self: Speller, fragments: tuple[bytes, ...]) -> bytes:
        seen.append(hashed(self, fragments))
        return seen[-1]

    monkeypatch.setattr(Speller, "hash", kept)
    twice = ImageSpec(layers=[SPEC.layers[0], SPEC.layers[1], SPEC.layers[1], bytes(1024), SPEC.layers[0]])
    how(look(twice))
    assert len(seen) > 500
    assert len(seen) < 1.25 * len(set(seen))  # of pushers whose media types differ for what is not gzip only


def test_where_a_layer_is_missing_nothing_is_compressed_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> Iterator[bytes]:
        raise AssertionError

    monkeypatch.setattr("imgforensics.recompress.measure", never)
    entries = builder.docker_legacy([SPEC])
    last = max(index for index, entry in enumerate(entries) if entry.path.endswith("/layer.tar"))
    del entries[last]
    report = analyze(io.BytesIO(builder.tar(entries)), Options(expect=(ANY,))).archives[0]
    assert "image @0: layers 0 are not in the archive" in how(report)

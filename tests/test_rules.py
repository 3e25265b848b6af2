"""Every rule fires where it should, with severity, place and verdict, and stays silent where it should."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import replace as copy_of
from datetime import datetime

import pytest

from imgforensics import Digest, Limits, Options, SelectionError, Severity, Verdict, checks
from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found
from imgforensics.expectation import SuppliedManifest
from imgforensics.trust.material import Material
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted import CRAFTED
from tests.crafted.case import Crafted
from tests.crafted.viewparts import linked
from tests.signing import pki, sigstore
from tests.signing.ask import at, file, keys
from tests.signing.layouts import Pack, tagged
from tests.support import codes, descriptor, edit, manifest, oci, report_of, the, told

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
LAYERS = builder.two_layers()
CONFIG = ImageSpec().config_bytes(builder.OCI_ORDER)


def _supplied(content: bytes) -> SuppliedManifest:
    return SuppliedManifest("manifest.json", content, Digest.parse(builder.digest(content)))


FOREIGN_MANIFEST = _supplied(
    json.dumps(
        {
            "schemaVersion": 2,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": f"sha256:{'1' * 64}",
                "size": 9,
            },
            "layers": [],
        }
    ).encode()
)
"""A manifest of an image that is in no archive here."""


def _crafted(name: str) -> Crafted:
    """An entry of the catalogue of threats."""
    known: dict[str, Crafted] = {each.name: each for each in CRAFTED}
    return known[name]


INSIDE_LAYERS = {
    "IMG501": (_crafted("LAY-01-other-bytes"), ERROR),
    "IMG502": (_crafted("LAY-02-climbing-name"), ERROR),
    "IMG503": (_crafted("LAY-02-below-absolute-link"), WARNING),
    "IMG504": (_crafted("LAY-02-target-later"), WARNING),
    "IMG505": (_crafted("LAY-03-disk"), WARNING),
    "IMG506": (_crafted("LAY-04-parent"), ERROR),
    "IMG507": (_crafted("LAY-04-flood"), WARNING),
    "IMG508": (_crafted("LAY-05-redirect"), WARNING),
    "IMG509": (_crafted("LAY-03-writable-setuid"), WARNING),
    "IMG510": (_crafted("LAY-07-group"), WARNING),
    "IMG511": (_crafted("LAY-08-behind-the-end"), WARNING),
    "IMG512": (_crafted("LAY-08-no-tar"), WARNING),
    "IMG513": (_crafted("LAY-08-damaged"), ERROR),
    "IMG514": (_crafted("VIEW-16-estargz-extra"), ERROR),
    "IMG515": (_crafted("LAY-08-overruled-name"), WARNING),
}
"""Rule to an archive in which it fires, with a twin in which it does not, and its severity there."""


@dataclass(frozen=True)
class Expected:
    """An archive in which a rule fires, and what its one finding says."""

    code: str
    archive: Callable[[], bytes | list[Entry]]
    severity: Severity
    verdict: Verdict
    member: str | None = None
    claimed: str | None = None
    computed: str | None = None
    options: Options | None = None


def _edited(layout: str, name: str, change: Callable[..., object], spec: ImageSpec | None = None) -> list[Entry]:
    entries = builder.LAYOUTS[layout]([spec or ImageSpec()])
    edit(entries, name, change)
    return entries


def _added(*entries: Entry, layout: str = "crane") -> list[Entry]:
    return [*builder.LAYOUTS[layout]([ImageSpec()]), *entries]


def _lied(layout: str, lie: Callable[[list[Entry]], object]) -> list[Entry]:
    entries = builder.LAYOUTS[layout]([ImageSpec()])
    lie(entries)
    return entries


def _sparse(lost: int = 0) -> list[Entry]:
    """A layer stored by GNU tar's sparse format 1.0, in one piece, of which the map does not know so many bytes."""
    entries = builder.docker25([ImageSpec()])
    entry = builder.layers_of(entries)[0]
    folder, _, name = entry.path.rpartition("/")
    size = len(entry.data)
    entry.pax = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": entry.path,
        "GNU.sparse.realsize": str(size),
    }
    entry.data = f"1\n0\n{size - lost}\n".encode().ljust(512, b"\0") + entry.data
    entry.name = f"{folder}/GNUSparseFile.7/{name}"
    return entries


def _attested(lie: str) -> list[Entry]:
    """An OCI layout of an image and an attestation of it, of which the annotation or the statement is of another."""
    document = manifest(CONFIG, LAYERS)
    true, other = builder.digest(document), builder.digest(b"other")
    subject = (other if lie == "statement" else true).partition(":")[2]
    statement = builder.go({"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": subject}}]})
    attestation = manifest(b"{}", [statement], "application/vnd.in-toto+json")
    annotations = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": other if lie == "digest" else true,
    }
    listed = [descriptor(document), descriptor(attestation, annotations=annotations)]
    return oci(listed, [CONFIG, *LAYERS, document, b"{}", statement, attestation])


def _same_tag(layout: str, name: str) -> list[Entry]:
    entries = builder.LAYOUTS[layout]([ImageSpec(), ImageSpec(layers=LAYERS[:1], tags=["example.com/other:1"])])
    edit(entries, name, lambda images: images[1].update(RepoTags=images[0]["RepoTags"]))
    return entries


def _names(layout: str) -> tuple[str, str]:
    """Names of the config and of the lowest layer."""
    entries = builder.LAYOUTS[layout]([ImageSpec()])
    return builder.config_of(entries).path, builder.layers_of(entries)[0].path


def _layers_last() -> list[Entry]:
    config, *layers, listed = builder.crane([ImageSpec()], compression="none")
    return [listed, config, *layers]


def _one(layers: list[bytes], *, config: bytes = CONFIG, media_type: str = builder.OCI_LAYER) -> list[Entry]:
    """An OCI layout of one image by hand."""
    document = manifest(config, layers, media_type)
    return oci([descriptor(document)], [config, *layers, document])


def _broken_crc(data: bytes) -> bytes:
    packed = builder.gz(data)
    return packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:]


def _wrong_checksum() -> list[Entry]:
    entries = builder.docker25([ImageSpec()])
    builder.layers_of(entries)[0].checksum = 1
    return entries


def _edited_config() -> list[Entry]:
    """The config is changed and its new name put everywhere; only the legacy IDs still tell."""
    entries = builder.docker_legacy([ImageSpec(), ImageSpec(layers=LAYERS[::-1], tags=["example.com/other:1"])])
    old = builder.config_of(entries).path
    changed = builder.swap_config(entries)
    changed.name = f"{builder.sha256(changed.data)}.json"
    listed = builder.find(entries, "manifest.json")
    listed.data = listed.data.replace(old.encode(), changed.path.encode())
    return sorted(entries, key=lambda entry: entry.path)


def _views_disagree() -> list[Entry]:
    evil = builder.containerd([ImageSpec(layers=[builder.EVIL])])
    good = builder.containerd([ImageSpec()])
    kept = [entry for entry in evil if entry.path != "index.json"]
    blobs = [entry for entry in good if entry.path.startswith("blobs/sha256/") and entry.type == b"0"]
    return [*kept, *blobs, builder.find(good, "index.json")]


def _doubled_key() -> list[Entry]:
    entries = builder.crane([ImageSpec()])
    listed = builder.find(entries, "manifest.json")
    listed.data = listed.data.replace(b'"RepoTags"', b'"RepoTags":["evil.example/x:1"],"RepoTags"')
    return entries


def _other_algorithm() -> list[Entry]:
    document = manifest(CONFIG, LAYERS)
    document = document.replace(builder.digest(LAYERS[1]).encode(), b"blake3:abcdef")
    entries = oci([descriptor(document)], [CONFIG, LAYERS[0], document])
    return [*entries, Entry("blobs/blake3/abcdef", LAYERS[1])]


def _wrong_size() -> list[Entry]:
    return _edited("oci_archive", "index.json", lambda document: document["manifests"][0].update(size=7))


def _manifest_of(layout: str) -> tuple[str, int]:
    entries = builder.LAYOUTS[layout]([ImageSpec()])
    found = json.loads(builder.find(entries, "index.json").data)["manifests"][0]
    return f"blobs/{found['digest'].replace(':', '/')}", found["size"]


LZ4 = b"\x04\x22\x4d\x18" + bytes(600)
CIPHER = b"\x93\x11cipher text" * 99
ENCRYPTED = f"{builder.OCI_LAYER}+encrypted"
TRAILER = b"remains of older data" * 30
UNCHECKED_LAYER = builder.layer({"big": bytes(3 << 20)})
MISSING = builder.digest(b"not there")
EVIL_ID = builder.digest(builder.EVIL)

KEY = pki.ec_key()
AUTHORITY = pki.Authority.root()
CERTIFICATE = AUTHORITY.issue(KEY, pki.name("signer"))


def _signed(digest: str = "", *, broken: bool = False, absent: bool = False) -> list[Entry]:
    """An image with a signature of cosign, of its digest or of another."""
    pack = Pack()
    body = sigstore.payload(digest or pack.digest)
    notes = sigstore.annotations(b"" if broken else sigstore.sign(KEY, body))
    return tagged(pack, (body, notes), of=digest if absent else "").entries()


def _old() -> list[Entry]:
    """The same by a certificate."""
    pack = Pack()
    body = sigstore.payload(pack.digest)
    return tagged(pack, (body, sigstore.annotations(sigstore.sign(KEY, body), certificate=CERTIFICATE))).entries()


def _asked(*trusted: pki.PrivateKey, required: bool = False) -> Options:
    return Options(signatures=True, trust=keys(*trusted), require_signature=required)


def _asked_own(moment: datetime) -> Options:
    return Options(signatures=True, trust=Material(ca_roots=(file(pki.cert_pem(AUTHORITY.certificate)),), at=moment))


FIRING = [
    Expected(
        "IMG101", lambda: builder.tar(_layers_last())[: -1024 - 600], ERROR, Verdict.INCOMPLETE, _layers_last()[-1].path
    ),
    Expected(
        "IMG101",
        lambda: builder.tar([*builder.crane([ImageSpec()]), Entry("x")])[: -1024 - 200],
        ERROR,
        Verdict.INCOMPLETE,
    ),
    Expected("IMG102", _wrong_checksum, ERROR, Verdict.SUSPECT, _names("docker25")[1]),
    Expected("IMG103", lambda: builder.archive("crane") + TRAILER, WARNING, Verdict.SUSPECT),
    Expected("IMG103", lambda: builder.gz(builder.archive("crane")) + TRAILER, WARNING, Verdict.SUSPECT),
    Expected(
        "IMG104",
        lambda: _lied("crane", lambda entries: builder.duplicate(entries, "manifest.json", b"[]")),
        ERROR,
        Verdict.SUSPECT,
        "manifest.json",
    ),
    Expected(
        "IMG104",
        lambda: _lied("crane", lambda entries: builder.duplicate(entries, "manifest.json")),
        WARNING,
        Verdict.SUSPECT,
        "manifest.json",
    ),
    Expected(
        "IMG104",
        lambda: _lied("docker25", lambda entries: builder.duplicate(entries, "blobs/")),
        NOTE,
        Verdict.INTACT,
        "blobs/",
    ),
    Expected(
        "IMG105", lambda: _added(Entry("../../etc/cron.d/evil", b"x")), ERROR, Verdict.SUSPECT, "../../etc/cron.d/evil"
    ),
    Expected(
        "IMG105",
        lambda: _added(Entry("out", type=b"2", linkname="../../etc/passwd")),
        ERROR,
        Verdict.SUSPECT,
        "out",
    ),
    Expected("IMG106", lambda: _added(Entry("a", type=b"2", linkname="b")), WARNING, Verdict.INCOMPLETE, "a"),
    Expected("IMG107", lambda: builder.tar(builder.crane([ImageSpec()]), end=b""), ERROR, Verdict.INCOMPLETE),
    Expected("IMG107", lambda: builder.tar(builder.crane([ImageSpec()]), end=bytes(512)), ERROR, Verdict.INCOMPLETE),
    Expected("IMG108", lambda: builder.archive("crane") + builder.tar([Entry("hidden", b"x")]), ERROR, Verdict.SUSPECT),
    Expected("IMG109", lambda: _added(Entry("tty", type=b"A")), WARNING, Verdict.SUSPECT, "tty"),
    Expected("IMG109", lambda: _added(Entry("pipe", type=b"6")), WARNING, Verdict.SUSPECT, "pipe"),
    Expected("IMG109", lambda: _added(Entry("dev", type=b"3")), WARNING, Verdict.SUSPECT, "dev"),
    Expected("IMG109", lambda: _added(Entry("dir/", b"data", type=b"5")), ERROR, Verdict.SUSPECT, "dir/"),
    Expected("IMG110", lambda: _broken_crc(builder.archive("crane")), ERROR, Verdict.INCOMPLETE),
    Expected(
        "IMG201",
        lambda: _edited("crane", "manifest.json", lambda images: images[0].update(RepoTags="a:1")),
        ERROR,
        Verdict.SUSPECT,
        "manifest.json",
    ),
    Expected(
        "IMG201",
        lambda: builder.crane([ImageSpec(raw_config=b"garbage")]),
        ERROR,
        Verdict.SUSPECT,
        builder.digest(b"garbage"),
    ),
    Expected(
        "IMG201",
        lambda: builder.crane([ImageSpec(raw_config=b'{"os":"linux"}')]),
        WARNING,
        Verdict.SUSPECT,
        builder.digest(b'{"os":"linux"}'),
    ),
    Expected(
        "IMG201",
        lambda: oci([descriptor(b"{}")], [b"{}"]),
        ERROR,
        Verdict.SUSPECT,
        f"blobs/sha256/{builder.sha256(b'{}')}",
    ),
    Expected("IMG202", _doubled_key, ERROR, Verdict.SUSPECT, "manifest.json"),
    Expected(
        "IMG203",
        lambda: _edited("docker25", "index.json", lambda document: document.update(layers=[])),
        ERROR,
        Verdict.SUSPECT,
        "index.json",
    ),
    Expected(
        "IMG204",
        lambda: _lied("crane", lambda entries: entries.remove(builder.layers_of(entries)[0])),
        ERROR,
        Verdict.INCOMPLETE,
        "manifest.json",
        _names("crane")[1],
    ),
    Expected(
        "IMG204",
        lambda: _edited(
            "oci_archive",
            "index.json",
            lambda document: document["manifests"].append(
                {"digest": MISSING, "size": 9, "mediaType": builder.OCI_MANIFEST}
            ),
        ),
        ERROR,
        Verdict.INCOMPLETE,
        "index.json",
        MISSING,
    ),
    Expected(
        "IMG205", lambda: _added(Entry("extra", b"x")), WARNING, Verdict.SUSPECT, "extra", computed=builder.digest(b"x")
    ),
    Expected("IMG205", lambda: _added(Entry(".DS_Store", b"x")), NOTE, Verdict.INTACT, ".DS_Store"),
    Expected("IMG206", _views_disagree, ERROR, Verdict.SUSPECT),
    Expected(
        "IMG207",
        lambda: _edited("crane", "manifest.json", lambda images: images[0]["Layers"].pop()),
        ERROR,
        Verdict.SUSPECT,
        _names("crane")[0],
        "2",
        "1",
    ),
    Expected(
        "IMG208",
        lambda: _one(
            [*LAYERS[:1]], config=ImageSpec(layers=LAYERS[:1]).config_bytes(), media_type=builder.OCI_LAYER + "+gzip"
        ),
        NOTE,
        Verdict.INTACT,
        f"blobs/sha256/{builder.sha256(LAYERS[0])}",
        builder.OCI_LAYER + "+gzip",
        "none",
    ),
    Expected(
        "IMG209",
        lambda: _edited(
            "oci_archive",
            "index.json",
            lambda document: document["manifests"].append({"digest": "sha256:../../x", "size": 9}),
        ),
        ERROR,
        Verdict.SUSPECT,
        "index.json",
    ),
    Expected("IMG210", lambda: builder.crane([ImageSpec()])[:-1], ERROR, Verdict.SUSPECT),
    Expected("IMG210", lambda: oci([], []), WARNING, Verdict.INCOMPLETE, "index.json"),
    Expected(
        "IMG211",
        lambda: _edited("docker25", "repositories", lambda table: table["example.com/app"].update({"1.0": "ab" * 32})),
        WARNING,
        Verdict.SUSPECT,
        "repositories",
        "ab" * 32,
        ImageSpec().diff_ids[-1].partition(":")[2],
    ),
    Expected("IMG212", lambda: builder.archive("pre110"), NOTE, Verdict.INTACT),
    Expected(
        "IMG213",
        lambda: _same_tag("crane", "manifest.json"),
        ERROR,
        Verdict.SUSPECT,
        "manifest.json",
    ),
    Expected(
        "IMG214",
        lambda: _lied("docker25", lambda entries: builder.replace(entries, "oci-layout", b"{}")),
        WARNING,
        Verdict.SUSPECT,
        "index.json",
    ),
    Expected("IMG215", lambda: _attested("digest"), WARNING, Verdict.SUSPECT),
    Expected("IMG215", lambda: _attested("statement"), WARNING, Verdict.SUSPECT),
    Expected("IMG216", lambda: linked("manifest.json"), WARNING, Verdict.SUSPECT, "manifest.json"),
    Expected("IMG217", lambda: _added(Entry("MANIFEST.JSON", b"[]")), ERROR, Verdict.SUSPECT, "manifest.json"),
    Expected("IMG217", lambda: _added(Entry("x", b""), Entry("X", b"")), WARNING, Verdict.SUSPECT, "x"),
    Expected(
        "IMG301",
        lambda: _lied("docker_legacy", builder.swap_config),
        ERROR,
        Verdict.TAMPERED,
        _names("docker_legacy")[0],
        f"sha256:{_names('docker_legacy')[0][:64]}",
    ),
    Expected(
        "IMG302",
        lambda: _lied("docker_legacy", builder.swap_layer),
        ERROR,
        Verdict.TAMPERED,
        _names("docker_legacy")[1],
        ImageSpec().diff_ids[0],
        EVIL_ID,
    ),
    Expected(
        "IMG303",
        lambda: _lied("docker25", builder.swap_layer),
        ERROR,
        Verdict.TAMPERED,
        _names("docker25")[1],
        ImageSpec().diff_ids[0],
        EVIL_ID,
    ),
    Expected("IMG304", _wrong_size, ERROR, Verdict.SUSPECT, "index.json", "7", str(_manifest_of("oci_archive")[1])),
    Expected(
        "IMG305",
        lambda: _one([_broken_crc(LAYERS[0]), LAYERS[1]]),
        ERROR,
        Verdict.SUSPECT,
        f"blobs/sha256/{builder.sha256(_broken_crc(LAYERS[0]))}",
    ),
    Expected("IMG306", _edited_config, WARNING, Verdict.SUSPECT),
    Expected(
        "IMG307",
        lambda: _one([builder.gz(LAYERS[0]) + TRAILER, LAYERS[1]]),
        WARNING,
        Verdict.SUSPECT,
        f"blobs/sha256/{builder.sha256(builder.gz(LAYERS[0]) + TRAILER)}",
    ),
    Expected(
        "IMG401",
        lambda: builder.crane([ImageSpec(history=[{"created_by": "only one"}])]),
        NOTE,
        Verdict.INTACT,
        claimed="1",
        computed="2",
    ),
    Expected("IMG402", lambda: builder.crane([ImageSpec(extra={"os": ""})]), NOTE, Verdict.INTACT),
    Expected(
        "IMG403",
        lambda: builder.containerd([ImageSpec(extra={"architecture": "s390x"})], index=True),
        WARNING,
        Verdict.SUSPECT,
        claimed="linux/amd64",
        computed="linux/s390x",
    ),
    Expected(
        "IMG601",
        lambda: builder.archive("crane"),
        ERROR,
        Verdict.SUSPECT,
        claimed=str(FOREIGN_MANIFEST.digest),
        options=Options(manifests=(FOREIGN_MANIFEST,)),
    ),
    Expected(
        "IMG602",
        lambda: builder.archive("crane"),
        ERROR,
        Verdict.INTACT,
        claimed=f"sha256:{'0' * 64}",
        options=Options(expect=[f"sha256:{'0' * 64}"]),
    ),
    Expected("IMG901", lambda: builder.crane([ImageSpec(layers=[LZ4])], compression="none"), WARNING, Verdict.SUSPECT),
    Expected(
        "IMG902",
        lambda: builder.archive("crane"),
        ERROR,
        Verdict.SUSPECT,
        options=Options(limits=Limits(members=2)),
    ),
    Expected("IMG904", _other_algorithm, WARNING, Verdict.SUSPECT, claimed="blake3:abcdef"),
    Expected(
        "IMG905",
        lambda: builder.archive("docker25", ImageSpec(layers=[UNCHECKED_LAYER])),
        NOTE,
        Verdict.UNCHECKED,
        options=Options(fast=True),
    ),
    Expected(
        "IMG906",
        lambda: _one([CIPHER], config=ImageSpec(layers=[CIPHER]).config_bytes(), media_type=ENCRYPTED),
        NOTE,
        Verdict.INTACT,
        claimed=builder.digest(CIPHER),
    ),
    *(
        Expected(code, _crafted(name).make, severity, verdict)
        for code, name, severity, verdict in (
            ("IMG218", "VIEW-12-official", NOTE, Verdict.INTACT),
            ("IMG219", "CFG-01-inside", ERROR, Verdict.SUSPECT),
            ("IMG219", "CFG-01-outside", WARNING, Verdict.SUSPECT),
            ("IMG219", "CFG-07-foreign", NOTE, Verdict.INTACT),
            ("IMG220", "INT-14-size-of-the-absent", WARNING, Verdict.SUSPECT),
            ("IMG220", "INT-14-type-of-a-layer", WARNING, Verdict.SUSPECT),
            ("IMG221", "VIEW-13-twice", WARNING, Verdict.SUSPECT),
            ("IMG222", "VIEW-15-layer-source", WARNING, Verdict.SUSPECT),
            ("IMG223", "VIEW-12-look-alike", WARNING, Verdict.SUSPECT),
            ("IMG224", "VIEW-15-one-view", WARNING, Verdict.SUSPECT),
            ("IMG402", "CFG-05-rootfs-type", WARNING, Verdict.SUSPECT),
            ("IMG404", "CFG-02-log", ERROR, Verdict.SUSPECT),
            ("IMG404", "CFG-02-restart", WARNING, Verdict.SUSPECT),
            ("IMG404", "CFG-02-runlabel", NOTE, Verdict.INTACT),
            ("IMG405", "CFG-03-no-date", WARNING, Verdict.SUSPECT),
            ("IMG405", "CFG-03-order", NOTE, Verdict.INTACT),
            ("IMG406", "CFG-06-preload", NOTE, Verdict.INTACT),
            ("IMG407", "CFG-05-payload", NOTE, Verdict.INTACT),
        )
    ),
    Expected("IMG701", lambda: _signed(broken=True), ERROR, Verdict.SUSPECT, options=_asked(KEY)),
    Expected("IMG702", lambda: _signed(f"sha256:{'0' * 64}"), ERROR, Verdict.SUSPECT, options=_asked(KEY)),
    Expected("IMG703", _signed, NOTE, Verdict.INTACT, options=_asked()),
    Expected("IMG704", _old, WARNING, Verdict.INTACT, options=_asked_own(at(2040))),
    Expected("IMG705", _old, WARNING, Verdict.INTACT, options=_asked_own(pki.SIGNED_AT)),
    Expected("IMG706", lambda: _signed(f"sha256:{'0' * 64}", absent=True), NOTE, Verdict.INTACT, options=_asked(KEY)),
    Expected("IMG707", _signed, ERROR, Verdict.INTACT, options=_asked(required=True)),
    Expected(
        "IMG708",
        lambda: builder.containerd([ImageSpec()], attestation=True),
        NOTE,
        Verdict.INTACT,
        options=_asked(),
    ),
    Expected("IMG109", _sparse, NOTE, Verdict.INTACT, _names("docker25")[1]),
    Expected("IMG907", lambda: _sparse(lost=1), ERROR, Verdict.SUSPECT, _names("docker25")[1]),
    *(Expected(code, case.make, severity, Verdict.SUSPECT) for code, (case, severity) in INSIDE_LAYERS.items()),
]


@pytest.mark.parametrize("case", FIRING, ids=[f"{number}-{case.code}" for number, case in enumerate(FIRING)])
def test_rule_fires(case: Expected) -> None:
    report = report_of(case.archive(), case.options)
    found = [finding for finding in report.findings if finding.rule.code == case.code]
    assert found, told(report)
    first = found[0]
    assert first.severity is case.severity, told(report)
    assert report.verdict is case.verdict, told(report)
    if case.member is not None:
        assert case.member in {finding.location.member for finding in found}, told(report)
    for wanted, given in ((case.claimed, first.claimed), (case.computed, first.computed)):
        assert wanted is None or wanted == given, told(report)


SILENT: dict[str, Callable[[], bytes | list[Entry]]] = {
    "IMG101": lambda: builder.archive("crane"),
    "IMG102": lambda: builder.archive("docker25"),
    "IMG103": lambda: builder.archive("crane") + bytes(10240),
    "IMG104": lambda: _added(Entry("manifest.json.bak", b"[]")),
    "IMG105": lambda: _added(Entry("a/../b", b"x"), Entry("c/d", type=b"2", linkname="../b")),
    "IMG106": lambda: builder.docker_legacy([ImageSpec(layers=[LAYERS[0], LAYERS[0]])]),
    "IMG107": lambda: builder.tar(builder.crane([ImageSpec()]), pad_to=10240),
    "IMG108": lambda: builder.tar(builder.crane([ImageSpec()]), pad_to=10240),
    "IMG109": lambda: [copy_of(entry, pax={"mtime": "1.5"}) for entry in builder.crane([ImageSpec()])],
    "IMG110": lambda: builder.gz(builder.archive("crane")),
    "IMG201": lambda: builder.crane([ImageSpec(tags=[])]),
    "IMG202": lambda: builder.crane([ImageSpec(container={"Labels": {"a": "1", "A": "2"}})]),
    "IMG203": lambda: _lied("crane", lambda entries: builder.duplicate(entries, "manifest.json")),
    "IMG204": lambda: builder.archive("docker25"),
    "IMG205": lambda: builder.docker25([ImageSpec()]),
    "IMG206": lambda: builder.containerd([ImageSpec(), ImageSpec(platform="linux/arm64")], index=True),
    "IMG207": lambda: builder.archive("crane"),
    "IMG208": lambda: builder.containerd([ImageSpec()], compression="zstd"),
    "IMG209": lambda: builder.archive("oci_layout_sha512"),
    "IMG210": lambda: builder.archive("pre110"),
    "IMG211": lambda: builder.archive("containers_image_docker"),
    "IMG212": lambda: builder.archive("jib"),
    "IMG213": lambda: builder.containerd([ImageSpec(), ImageSpec(platform="linux/arm64")], index=True),
    "IMG214": lambda: builder.archive("umoci"),
    "IMG215": lambda: builder.containerd([ImageSpec(), ImageSpec(platform="linux/arm64")], attestation=True),
    "IMG218": _crafted("VIEW-12-kubernetes").twin,
    "IMG219": _crafted("CFG-01-inside").twin,
    "IMG220": _crafted("INT-14-type-of-a-layer").twin,
    "IMG221": _crafted("VIEW-13-twice").twin,
    "IMG222": _crafted("VIEW-15-layer-source").twin,
    "IMG223": _crafted("VIEW-12-look-alike").twin,
    "IMG224": _crafted("VIEW-15-one-view").twin,
    "IMG216": lambda: builder.docker_legacy([ImageSpec(layers=[LAYERS[0], LAYERS[0]])]),
    "IMG217": lambda: _added(Entry("caf\u00e9", b"x"), Entry("cafe", b"y"), Entry("a.b/c", b""), Entry("ab/c", b"")),
    "IMG301": lambda: _lied("docker_legacy", builder.swap_layer),
    "IMG302": lambda: _lied("docker25", builder.swap_layer),
    "IMG303": lambda: _lied("docker25", builder.swap_config),
    "IMG304": lambda: _lied("docker25", lambda entries: builder.swap_layer(entries, builder.EVIL + bytes(512))),
    "IMG305": lambda: _one([builder.multi_gz(LAYERS[0][:100], LAYERS[0][100:]), builder.zstd(LAYERS[1])]),
    "IMG306": lambda: _lied("docker_legacy", builder.swap_config),
    "IMG307": lambda: _one([builder.multi_gz(LAYERS[0][:100], LAYERS[0][100:]), builder.zstd(LAYERS[1])]),
    "IMG401": lambda: builder.crane([ImageSpec(history=[])]),
    "IMG402": lambda: builder.archive("jib"),
    "IMG403": lambda: builder.containerd([ImageSpec()], attestation=True),
    "IMG404": _crafted("CFG-02-log").twin,
    "IMG405": _crafted("CFG-03-order").twin,
    "IMG406": _crafted("CFG-06-fetch-and-run").twin,
    "IMG407": _crafted("CFG-05-payload").twin,
    "IMG601": lambda: builder.archive("crane"),
    "IMG602": lambda: builder.archive("crane"),
    **dict.fromkeys(("IMG701", "IMG702", "IMG703", "IMG704", "IMG705", "IMG706", "IMG707", "IMG708"), _signed),
    "IMG901": lambda: builder.containerd([ImageSpec()], compression="zstd"),
    "IMG902": lambda: builder.archive("crane"),
    "IMG903": lambda: builder.archive("crane"),
    "IMG904": lambda: builder.archive("oci_layout_sha512"),
    "IMG905": lambda: builder.archive("docker25", ImageSpec(layers=[UNCHECKED_LAYER])),
    "IMG907": _sparse,
    "IMG906": lambda: _one(LAYERS, media_type=ENCRYPTED),
    **{code: case.twin for code, (case, _) in INSIDE_LAYERS.items()},
    "IMG502": lambda: builder.archive("crane"),  # their twins have what is noted
    "IMG505": lambda: builder.archive("crane"),
}


@pytest.mark.parametrize("code", SILENT)
def test_rule_stays_silent(code: str) -> None:
    report = report_of(SILENT[code]())
    assert code not in codes(report), told(report)


def test_every_rule_is_covered() -> None:
    """Here, or by an archive of the catalogue and its innocent twin."""
    known = {each.rule.code for each in checks.ALL}
    crafted = {code for case in CRAFTED for code in case.codes | case.notes}
    assert {case.code for case in FIRING} | {"IMG903"} | crafted == known
    assert set(SILENT) | crafted == known


def test_every_rule_is_documented() -> None:
    for each in checks.ALL:
        parts = [line for line in each.rule.doc.splitlines() if line.startswith("## ")]
        assert parts == ["## What it means", "## Why it matters", "## How it is computed", "## When it is innocent"]
        assert each.rule.summary.endswith(".")


def test_crashed_check_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: Case) -> Iterator[Found]:
        raise RuntimeError("a bug")

    others = tuple(each for each in checks.ALL if each.rule.code != "IMG301")
    broken = next(each for each in checks.ALL if each.rule.code == "IMG301")
    monkeypatch.setattr(checks, "ALL", (Check(broken.rule, crash), *others))
    report = report_of(_lied("docker25", builder.swap_layer))
    finding = the(report, "IMG903")
    assert (finding.severity, finding.rule.code) == (WARNING, "IMG903")
    assert "IMG301" in finding.message
    assert "a bug" in finding.message
    assert the(report, "IMG303").severity is ERROR  # the rest of the report stands
    assert report_of(builder.archive("crane")).verdict is Verdict.SUSPECT


def test_fast_never_says_intact() -> None:
    data = builder.archive("docker25", ImageSpec(layers=[UNCHECKED_LAYER]))
    assert report_of(data).verdict is Verdict.INTACT
    report = report_of(data, Options(fast=True))
    assert report.verdict is Verdict.UNCHECKED
    assert any(each.what == "bytes of 1 members" for each in report.not_checked)


def test_findings_are_sorted_worst_first() -> None:
    entries = _added(Entry("extra", b"x"), Entry("/absolute", b""), layout="docker25")
    builder.swap_layer(entries)
    report = report_of(entries)
    ranks = [finding.severity.rank for finding in report.findings]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2}


def test_rules_can_be_chosen() -> None:
    entries = _lied("docker25", builder.swap_both)
    assert codes(report_of(entries, Options(select=("IMG303",)))) == ["IMG303"]
    assert codes(report_of(entries, Options(select=("IMG3",), ignore=("IMG303",)))) == ["IMG301"]
    report = report_of(entries, Options(ignore=("IMG3",)))
    assert not codes(report)
    assert any(each.what == "rule IMG301" for each in report.not_checked)
    for wrong in (Options(select=("IMG0",)), Options(ignore=("X",))):
        with pytest.raises(SelectionError):
            report_of(entries, wrong)

"""Archives on which readers are asked besides the crafted ones: what tar, JSON, names and digests can do to them."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted import viewparts as parts
from tests.crafted.bending import CONFIG, made
from tests.crafted.viewparts import evil, good, packed
from tests.readerparts import BARE, CONFIGS, LAYER_TYPES, PLACES, REFUSED


def _edited(layout: str, name: str, change: Callable[[bytes], bytes], images: int = 1) -> Callable[[], bytes]:
    def make() -> bytes:
        entries = builder.LAYOUTS[layout]([good(), evil("example.com/app:2.0")][:images])
        entry = builder.config_of(entries) if name == "config" else builder.find(entries, name)
        entry.data = change(entry.data)
        return builder.tar(entries)

    return make


def _with(layout: str, change: Callable[[list[Entry]], Any]) -> Callable[[], bytes]:
    def make() -> bytes:
        entries = builder.LAYOUTS[layout]([good()])
        change(entries)
        return builder.tar(entries)

    return make


def _placed(text: bytes, index: bytes) -> bytes:
    """``index.json`` whose first entry has these keys, too."""
    return index.replace(b'{"mediaType"', b"{" + text + b',"mediaType"', 1)


def _both_configs(pick: Callable[[str, str], str]) -> Callable[[], bytes]:
    """Both images' parts, and a ``manifest.json`` that is written from the two configs' names."""

    def make() -> bytes:
        entries, document = parts.parts_of_both()
        (one,), (other,) = json.loads(builder.find(entries, "manifest.json").data), json.loads(document)
        layers = json.dumps(one["Layers"]), json.dumps(other["Layers"])
        text = pick(one["Config"], other["Config"]).replace("GOOD", layers[0]).replace("EVIL", layers[1])
        builder.replace(entries, "manifest.json", text.encode())
        return builder.tar(entries)

    return make


def _framed(change: Callable[[bytes, int], bytes], layout: str = "docker_legacy") -> Callable[[], bytes]:
    """The bytes of an archive, changed at the header of ``manifest.json``."""

    def make() -> bytes:
        entries = builder.LAYOUTS[layout]([good()])
        number = next(place for place, entry in enumerate(entries) if entry.path == "manifest.json")
        return change(builder.tar(entries), len(builder.tar(entries[:number], end=b"")))

    return make


def _neutral(entries: list[Entry]) -> list[Entry]:
    """Members each of which says its own name, so that a global one counts for none."""
    return [replace(entry, pax={"path": entry.path}) for entry in entries]


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _hidden() -> list[Entry]:
    """A folder by its name, of the type NUL, with data: Go takes the data for a header."""
    entries = builder.docker_legacy([good()])
    return [Entry("hide/", b"x" * 512, type=b"\0"), *entries]


def _other_manifest() -> list[Entry]:
    """An OCI archive in which the manifest's name is kept, and its bytes are those of the other image's."""
    entries, other = builder.oci_archive([good()]), builder.oci_archive([evil()])
    manifest, replacement = (next(entry for entry in each if b'"layers":[' in entry.data) for each in (entries, other))
    manifest.data = replacement.data
    known = {entry.path for entry in entries}
    return [*entries, *(entry for entry in other if entry.path not in known)]


def _sized(key: str, size: int) -> Callable[[dict[str, Any]], None]:
    """The size of a manifest's config, or of its first layer, is said to be another."""

    def change(manifest: dict[str, Any]) -> None:
        found = manifest[key]
        (found[0] if key == "layers" else found)["size"] = size

    return change


def _append(entry: Entry, entries: list[Entry]) -> None:
    entries.append(entry)


def _layered(*entries: Entry) -> Callable[[], bytes]:
    """An image with a layer of these entries."""
    return lambda: builder.archive("containers_image_docker", ImageSpec(layers=[builder.tar(entries)]))


def _tagged(reference: bytes) -> Callable[[], bytes]:
    """An image with one tag, of its registry's."""
    return _edited("docker_legacy", "manifest.json", lambda data: data.replace(b"app:1.0", reference))


def _configured(keys: dict[str, Any]) -> Callable[[], bytes]:
    """An image whose config has these keys."""
    return _edited("jib", "config", lambda data: json.dumps(json.loads(data) | keys).encode())


def _misnamed() -> bytes:
    """A config's name that is no UTF-8: Go has two characters for what Python has one."""
    entries = builder.jib([good()])
    config = builder.config_of(entries)
    manifest = builder.find(entries, "manifest.json")
    manifest.data = manifest.data.replace(b"config.json", b"\xe2\x82.json")
    other = replace(config, name="\ufffd.json", data=builder.config_of(builder.jib([evil()])).data)
    entries[entries.index(config)] = replace(config, name="\ufffd\ufffd.json")
    return builder.tar([other, *entries])


SKIPPABLE = bytes.fromhex("502a4d18")


def _framed_by(frame: bytes, layer: bytes) -> bytes:
    """A zstd stream behind a frame that decoders pass over."""
    return frame + builder.zstd(layer)


def _flagged(flags: int, data: bytes) -> bytes:
    """gzip with these flags in its header, which stand for nothing there."""
    packed = builder.gz(data)
    return packed[:3] + bytes([packed[3] | flags]) + packed[4:]


def _repacked(layout: str) -> Callable[[Callable[[bytes], bytes]], Callable[[], bytes]]:
    """An archive of this layout whose first layer is packed otherwise, under its name."""

    def by(pack: Callable[[bytes], bytes]) -> Callable[[], bytes]:
        def change(entries: list[Entry]) -> None:
            first = builder.layers_of(entries)[0]
            first.data = pack(good().layers[0])

        return _with(layout, change)

    return by


def _one_layer(pack: Callable[[bytes], bytes], media_type: str = f"{builder.OCI_LAYER}+zstd") -> Callable[[], bytes]:
    """An OCI layout of one layer that is packed so."""
    layers = builder.two_layers()[:1]
    return made(
        lambda manifest: manifest["layers"][0].update(mediaType=media_type),
        config=ImageSpec(layers=layers).config_bytes(builder.OCI_ORDER),
        layers=[pack(layers[0])],
    )


TRICKS: dict[str, Callable[[], bytes]] = {
    # JSON
    "json-key-twice": _both_configs(lambda a, b: f'[{{"Config":"{a}","Layers":GOOD,"Config":"{b}","Layers":EVIL}}]'),
    "json-key-case": _both_configs(lambda a, b: f'[{{"Config":"{a}","Layers":GOOD,"config":"{b}","LAYERS":EVIL}}]'),
    "json-key-case-first": _both_configs(lambda a, b: f'[{{"config":"{b}","Config":"{a}","Layers":GOOD}}]'),
    "json-two-values": _both_configs(
        lambda a, b: f'[{{"Config":"{a}","Layers":GOOD}}] [{{"Config":"{b}","Layers":EVIL}}]'
    ),
    "json-trailing": _edited("docker_legacy", "manifest.json", lambda data: data + b"x"),
    "json-index-trailing": _edited("containerd", "index.json", lambda data: data + b"x"),
    "json-config-trailing": _edited("jib", "config", lambda data: data + b"x"),
    "json-bom": _edited("docker_legacy", "manifest.json", lambda data: b"\xef\xbb\xbf" + data),
    "json-null": _edited("docker_legacy", "manifest.json", lambda _: b"null"),
    "json-empty-list": _edited("docker_legacy", "manifest.json", lambda _: b"[]"),
    "json-empty": _edited("docker_legacy", "manifest.json", lambda _: b""),
    "json-object": _edited("docker_legacy", "manifest.json", lambda data: data.strip()[1:-1]),
    "json-number": _edited("docker_legacy", "manifest.json", lambda data: data.replace(b'"Layers":[', b'"Layers":[1,')),
    "json-nan": _edited("docker_legacy", "manifest.json", lambda data: data.replace(b"[{", b'[{"x":NaN,')),
    "json-not-utf8": _edited("docker_legacy", "manifest.json", lambda data: data.replace(b"[{", b'[{"x":"\xff",')),
    "json-not-utf8-name": _misnamed,
    "json-day": _edited("jib", "config", lambda data: data.replace(b"2024-01-02T", b"2024-02-31T")),
    "json-hour": _edited("jib", "config", lambda data: data.replace(b"T03:04:05.678901234Z", b"T3:04:05,5+24:00")),
    **{f"json-{name}": _configured(keys) for name, keys in CONFIGS.items()},
    "json-config-key-twice": _edited("jib", "config", lambda data: data.replace(b"{", b'{"rootfs":{"type":"x"},', 1)),
    "json-rootfs-missing": _edited("jib", "config", lambda data: data.replace(b'"rootfs"', b'"roots"')),
    "json-rootfs-null": _edited("jib", "config", lambda data: data[:-1] + b',"rootfs":null}'),
    "json-index-null": _edited("containerd", "index.json", lambda _: b"null"),
    "json-layout-empty": _edited("containerd", "oci-layout", lambda _: b"{}"),
    "json-layout-list": _edited("containerd", "oci-layout", lambda _: b"[]"),
    "json-schema-text": made(lambda manifest: manifest.update(schemaVersion="2")),
    "json-schema-fraction": made(lambda manifest: manifest.update(schemaVersion=2.0)),
    "json-size-text": made(lambda manifest: manifest["layers"][0].update(size="1")),
    "json-diff-ids-twice": made(config=CONFIG.replace(b'"diff_ids":[', b'"diff_ids":[],"diff_ids":[', 1)),
    "json-config-null-later": made(config=CONFIG[:-1] + b',"config":null}'),
    **{f"oci-config-size-{size}": made(_sized("config", size)) for size in (-2, -1, 0, 1)},
    **{f"oci-layer-size-{size}": made(_sized("layers", size)) for size in (-2, -1, 0, 1)},
    # names
    "tag-bad": _edited("docker_legacy", "manifest.json", lambda data: data.replace(b"example.com/app:1.0", b"App:1.0")),
    "tag-digest": _edited(
        "docker_legacy", "manifest.json", lambda data: data.replace(b"app:1.0", b"app@sha256:" + b"0" * 64)
    ),
    "tag-none": _tagged(b"app"),
    "tag-and-digest": _tagged(b"app:1.0@sha256:" + b"a" * 64),
    "tag-and-bad-digest": _tagged(b"app:1.0@sha256:" + b"a" * 63),
    "tag-250": _tagged(b"a" * 250 + b":1.0"),
    "tag-300": _tagged(b"a" * 300 + b":1.0"),
    "config-up-and-down": _edited(
        "jib", "manifest.json", lambda data: data.replace(b"config.json", b"x/../config.json")
    ),
    "config-absolute": _edited("jib", "manifest.json", lambda data: data.replace(b"config.json", b"/config.json")),
    "config-dot": _edited("jib", "manifest.json", lambda data: data.replace(b"config.json", b"./config.json")),
    "config-up": _edited("jib", "manifest.json", lambda data: data.replace(b"config.json", b"../config.json")),
    "config-empty": _edited("jib", "manifest.json", lambda data: data.replace(b"config.json", b"")),
    "member-dots": lambda: builder.tar(replace(each, name=f"./{each.path}") for each in builder.jib([good()])),
    "member-rooted": lambda: builder.tar(replace(each, name=f"/{each.path}") for each in builder.jib([good()])),
    "below-a-file": _with("jib", lambda entries: entries.extend([Entry("f", b"x"), Entry("f/x", b"y")])),
    "file-then-folder": _with(
        "jib", lambda entries: entries.extend([Entry("f", b"x"), Entry("f/", type=b"5"), Entry("f/x", b"y")])
    ),
    "oci-below-a-file": _with("oci_archive", lambda entries: entries.extend([Entry("f", b"x"), Entry("f/x", b"y")])),
    "both-below-a-file": _with("containerd", lambda entries: entries.extend([Entry("f", b"x"), Entry("f/x", b"y")])),
    "oci-index-size-0": _edited("oci_archive", "index.json", lambda data: re.sub(rb'"size":\d+', b'"size":0', data)),
    "member-escapes": _with("jib", lambda entries: entries.append(Entry("../x", b"x"))),
    "device": _with("jib", lambda entries: entries.append(Entry("null", type=b"3"))),
    "dangling-symlink": _with("jib", lambda entries: entries.append(Entry("x", type=b"2", linkname="y"))),
    "dangling-hardlink": _with("jib", lambda entries: entries.insert(0, Entry("x", type=b"1", linkname="y"))),
    "escaping-symlink": _with("jib", lambda entries: entries.append(Entry("x", type=b"2", linkname="../../y"))),
    "oci-member-escapes": _with("oci_archive", lambda entries: entries.append(Entry("../x", b"x"))),
    "oci-escaping-symlink": _with(
        "oci_archive", lambda entries: entries.append(Entry("x", type=b"2", linkname="../y"))
    ),
    "oci-rooted-symlink": _with("oci_archive", lambda entries: entries.append(Entry("x", type=b"2", linkname="/y"))),
    "oci-dangling-hardlink": _with("oci_archive", lambda entries: entries.append(Entry("x", type=b"1", linkname="y"))),
    "rooted-symlink": _with("jib", lambda entries: entries.append(Entry("x", type=b"2", linkname="/config.json"))),
    "config-symlink": packed(lambda: parts.linked("config")),
    "config-symlinks": packed(lambda: parts.linked("config", hops=2)),
    "layer-symlink": packed(lambda: parts.linked("layer")),
    "layer-hardlink": packed(lambda: parts.linked("layer", kind=b"1")),
    "manifest-hardlink": packed(lambda: parts.linked("manifest.json", kind=b"1")),
    "index-symlink": packed(lambda: parts.linked("index.json", layout=builder.containerd)),
    "index-hardlink": packed(lambda: parts.linked("index.json", kind=b"1", layout=builder.containerd)),
    "oci-config-symlink": packed(lambda: parts.linked("config", layout=builder.oci_archive)),
    "oci-layer-hardlink": packed(lambda: parts.linked("layer", kind=b"1", layout=builder.oci_archive)),
    "layout-symlink": packed(lambda: parts.linked("oci-layout", layout=builder.containerd)),
    # digests and counts
    "swapped-config": _with("docker_legacy", builder.swap_config),
    "swapped-layer": _with("docker_legacy", builder.swap_layer),
    "swapped-both": _with("docker_legacy", builder.swap_both),
    "oci-swapped-config": _with("oci_archive", builder.swap_config),
    "oci-swapped-layer": _with("oci_archive", builder.swap_layer),
    "oci-swapped-both": _with("oci_archive", builder.swap_both),
    "oci-other-manifest": packed(_other_manifest),
    "both-swapped-both": _with("containerd", builder.swap_both),
    "more-layers": _edited(
        "nix", "manifest.json", lambda data: data.replace(b'"Layers": [', b'"Layers": ["config",', 1)
    ),
    "fewer-diff-ids": lambda: builder.tar(
        builder.crane([ImageSpec(extra={"rootfs": {"type": "layers", "diff_ids": ImageSpec().diff_ids[:1]}})])
    ),
    "oci-fewer-diff-ids": lambda: builder.tar(
        builder.oci_archive([ImageSpec(extra={"rootfs": {"type": "layers", "diff_ids": ImageSpec().diff_ids[:1]}})])
    ),
    "oci-wrong-diff-ids": lambda: builder.tar(
        builder.oci_archive([ImageSpec(extra={"rootfs": {"type": "layers", "diff_ids": evil().diff_ids * 2}})])
    ),
    "missing-layer": _with("crane", lambda entries: entries.remove(builder.layers_of(entries)[0])),
    "oci-missing-layer": _with("oci_archive", lambda entries: entries.remove(builder.layers_of(entries)[0])),
    "oci-missing-config": _with("oci_archive", lambda entries: entries.remove(builder.config_of(entries))),
    "windows": lambda: builder.archive("docker_legacy", ImageSpec(platform="windows/amd64")),
    "same-tag": lambda: builder.archive("docker_legacy", good(), evil()),
    # entries of an index that say no platform
    **{f"bare-{name}": parts.indexed(*listed) for name, listed in BARE.items()},
    **{f"bare-{name}-docker": parts.indexed(*listed, media_type=parts.DOCKER_LIST) for name, listed in BARE.items()},
    "bare-second-missing": parts.indexed(
        (good(), None), (evil(), None), edit=lambda listed: listed[1].update(digest=f"sha256:{'0' * 64}")
    ),
    "list-called-index": parts.indexed(
        (evil(), None), saved=good(), media_type=parts.DOCKER_LIST, called=builder.OCI_INDEX
    ),
    "list-uncalled": parts.indexed((good(), None), media_type="", called=parts.DOCKER_LIST),
    "index-of-uncalled": parts.indexed((good(), parts.AMD64), edit=lambda listed: listed[0].update(mediaType="")),
    "index-of-unknown": parts.indexed(
        (good(), parts.AMD64), edit=lambda listed: listed[0].update(mediaType="text/plain")
    ),
    "index-annotated": _edited("containerd", "index.json", lambda data: data[:-1] + b',"annotations":"x"}'),
    **{f"top-{name}": _edited("containerd", "index.json", partial(_placed, text)) for name, text in PLACES.items()},
    # framing
    "bad-checksum": _framed(_flip),
    "bad-checksum-late": lambda: builder.tar([*builder.docker_legacy([good()]), Entry("x", b"x", checksum=1)]),
    "zero-block": _framed(lambda data, at: data[:at] + bytes(512) + data[at:]),
    "end-marker": _framed(lambda data, at: data[:at] + bytes(1024) + data[at:]),
    "end-marker-first": lambda: bytes(1024) + builder.archive("docker_legacy", good()),
    "trailing": lambda: builder.archive("docker_legacy", good()) + b"PK\3\4" + b"x" * 796,
    "no-end-marker": lambda: builder.tar(builder.docker_legacy([good()]), end=b""),
    "cut-data": lambda: builder.tar(builder.docker_legacy([good()]), end=b"")[:-520],
    "cut-header": lambda: builder.tar(builder.docker_legacy([good()]), end=b"")[:-812],
    "folder-with-data": packed(_hidden),
    "negative-size": lambda: builder.tar([*builder.docker_legacy([good()]), Entry("x", size=b"\xff" * 12)]),
    "symlink-with-data": lambda: builder.tar(
        [*builder.docker_legacy([good()]), Entry("x", b"x" * 512, type=b"2", linkname="manifest.json")]
    ),
    "pax-name": lambda: builder.tar(
        [*builder.docker_legacy([good()]), Entry("x", parts.parts_of_both()[1], pax={"path": "manifest.json"})]
    ),
    "pax-global-name": lambda: builder.tar(
        [
            Entry("g", builder.pax_records({"path": "manifest.json"}), type=b"g"),
            *_neutral(builder.docker_legacy([good()])),
        ]
    ),
    "pax-long": lambda: builder.tar([*builder.docker_legacy([good()]), Entry("x", pax={"comment": "x" * (2 << 20)})]),
    "pax-long-name": lambda: builder.tar(
        [
            *builder.docker_legacy([good()]),
            Entry("././@LongLink", b"x" * (2 << 20), b"L", magic=builder.GNU),
            Entry("x"),
        ]
    ),
    "pax-sparse-count": lambda: builder.tar(
        [*builder.docker_legacy([good()]), Entry("x", b"y", pax={"GNU.sparse.map": "0,1", "GNU.sparse.size": "1"})]
    ),
    "pax-malformed": lambda: builder.tar([*builder.docker_legacy([good()]), Entry("x", b"", pax=b"99 a=b\n")]),
    # what Linux refuses
    **{f"outer-{name}": _with("containerd", partial(_append, entry)) for name, entry in REFUSED.items()},
    **{f"layer-{name}": _layered(entry) for name, entry in REFUSED.items()},
    # types of layers
    "config-os-upper": _configured({"os": "Linux"}),
    "config-os-other": _configured({"os": "Windows"}),
    **{f"layer-type-{name}": _one_layer(*given) for name, given in LAYER_TYPES.items()},
    # compression
    "gzip-reserved": _one_layer(partial(_flagged, 0x20), f"{builder.OCI_LAYER}+gzip"),
    "gzip-reserved-all": _one_layer(partial(_flagged, 0xE0), f"{builder.OCI_LAYER}+gzip"),
    "gzip-reserved-jib": _repacked("jib")(partial(_flagged, 0x20)),
    "gzip-reserved-outer": lambda: _flagged(0xE0, builder.archive("docker_legacy", good())),
    **{
        f"zstd-{where}-{name}": make(partial(_framed_by, frame))
        for name, frame in {
            "skippable": SKIPPABLE + b"\4\0\0\0abcd",
            "empty": SKIPPABLE + bytes(4),
            "plain": b"",
        }.items()
        for where, make in {"nix": _repacked("nix"), "oci": _one_layer}.items()
    },
}

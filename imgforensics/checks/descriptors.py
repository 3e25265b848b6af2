"""IMG219 to IMG222: descriptors that lead elsewhere, contradict each other, or describe nothing that is used."""

import re
from collections import defaultdict
from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.readers import contradiction
from imgforensics.checks.rule import Check, Found, check
from imgforensics.documents import Descriptor, DocumentKind
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location
from imgforensics.platforms import one_spelling
from imgforensics.reading import is_foreign
from imgforensics.structure import Image, Reference, Role

_URL = re.compile(r"https?://(?:[^/?#@\\]*@)?([^/?#:@\\\[\]]+)(?::[0-9]+)?(?:[/?#]|$)", re.IGNORECASE)
"""An address and its host (RFC 3986, 3.2), as far as it is a name or an IPv4 address."""
_INSIDE = (".local", ".localhost", ".internal", ".lan", ".home", ".corp", ".intranet")


@check("IMG219", "descriptor-urls", Severity.WARNING, Effect.SUSPECT)
def descriptor_urls(case: Case) -> Iterator[Found]:
    """A descriptor names addresses from which its content can be fetched.

    ## What it means
    `urls` of a descriptor in a manifest, an index or `LayerSources` is not empty.

    ## Why it matters
    containers/image fetches a layer from there before it looks into the archive, so that loading an archive opens
    connections that its author chose, from a machine inside: to other machines there, or to a cloud's metadata service
    (go-containerregistry#2293, containerd#13775). That the bytes have to fit the digest does not undo the request.

    ## How it is computed
    `urls` of every descriptor. Addresses that are no `http` or `https`, or of a host that is private, local or given by
    number, are errors.

    ## When it is innocent
    Foreign (Windows) layers are fetched from their vendor by design; those whose addresses are public are only noted.
    """
    for reference in case.structure.references:
        descriptor = reference.descriptor
        if descriptor is None or not descriptor.urls:
            continue
        inside = [url for url in descriptor.urls if _leads_inside(url)]
        severity = Severity.ERROR if inside else Severity.NOTE if is_foreign(descriptor.media_type) else None
        where = f", {inside[0]} among them, which is no public address" if inside else f", such as {descriptor.urls[0]}"
        message = f"the {reference.role} {reference.claims} is said to lie at {len(descriptor.urls)} addresses{where}"
        place = Location(reference.where.member, f"{reference.where.pointer}/urls")
        yield Found(message, place, claimed=(inside or descriptor.urls)[0], severity=severity)


def _leads_inside(url: str) -> bool:
    """Whether an address is one that no public layer has: another scheme, no full host name, or a number.

    What has no scheme is no address, and fetched by nobody.
    """
    if "://" not in url:
        return False
    parts = _URL.match(url)
    host = "" if parts is None else parts[1].lower().rstrip(".")
    # no dot: "localhost", bare names of an intranet, an IPv6 address; a digit last: an IPv4 one in any spelling
    return "." not in host or host.rpartition(".")[2][:1].isdigit() or host.endswith(_INSIDE)


@check("IMG220", "contradicting-descriptors", Severity.WARNING, Effect.SUSPECT)
def contradicting_descriptors(case: Case) -> Iterator[Found]:
    """Descriptors of one digest give it different sizes, or, in one document, different media types.

    ## What it means
    At most one of them is true.

    ## Why it matters
    Readers that take the first of them and readers that take the last treat the same bytes differently.

    ## How it is computed
    Descriptors are grouped by digest. The size of what is there is compared with its bytes instead (IMG304), the type
    of an index or manifest with what that is (IMG203).

    ## When it is innocent
    One blob under several types in different documents is ordinary, Docker's and OCI's name of a layer for example, and
    so is an artifact's that lists an empty blob more than once; neither is reported.
    """
    artifacts = {artifact.manifest_member for artifact in case.structure.artifacts}
    sizes: dict[str, dict[int, Reference]] = defaultdict(dict)
    types: dict[tuple[int, str], dict[str, Reference]] = defaultdict(dict)
    for reference in case.structure.references:
        descriptor = reference.descriptor
        if descriptor is None or descriptor.digest is None:
            continue
        if reference.target is None and descriptor.size is not None:
            sizes[descriptor.digest_text].setdefault(descriptor.size, reference)
        if reference.member not in artifacts and not _is_manifest(case, reference) and descriptor.media_type:
            types[reference.member, descriptor.digest_text].setdefault(descriptor.media_type, reference)
    for digest, by_size in sizes.items():
        yield from _contradiction(f"{digest}, which is not in the archive,", "bytes", by_size)
    for (member, digest), by_type in types.items():
        yield from _contradiction(f"{digest} in {case.name(member)}", "types", by_type)


def _contradiction(what: str, values: str, by_value: dict[int, Reference] | dict[str, Reference]) -> Iterator[Found]:
    if len(by_value) > 1:
        words = [str(value) for value in by_value]
        first, *others = by_value.values()
        message = f"{what} has {len(words)} {values}: {', '.join(words[:4])}"
        yield Found(message, first.where, tuple(each.where for each in others), words[0], words[1])


def _is_manifest(case: Case, reference: Reference) -> bool:
    document = None if reference.target is None else case.structure.documents.get(reference.target)
    return document is not None and document.kind in (DocumentKind.MANIFEST, DocumentKind.INDEX)


@check("IMG221", "ambiguous-platform", Severity.WARNING, Effect.SUSPECT)
def ambiguous_platform(case: Case) -> Iterator[Found]:
    """An index, with the indexes in it, has more than one image for a platform.

    ## What it means
    Which one is run depends on the reader.

    ## Why it matters
    Most readers take the first that fits their machine, some sort them, containers/image prefers zstd.

    ## How it is computed
    Entries that lead to images, of each index that `index.json` lists and of the indexes in it, by `os`, `architecture`
    and `variant`, as the entry gives them or, where it does not, the config. Words for one platform count as one, as to
    containerd: `arm64/v8` is `arm64`, `amd64/v1` is `amd64`, and `amd64` without an operating system is `linux/amd64`.
    `os.version` tells entries for Windows apart. Entries of `index.json` itself are told apart by their names (IMG213).

    ## When it is innocent
    Entries that lead to the same config, of which one has its layers compressed in another way, are only noted.
    """
    images = {image.manifest_member: image for image in case.structure.images if image.manifest_member is not None}
    groups: dict[tuple[int, str], list[tuple[Reference, Image]]] = defaultdict(list)
    for index, reference in _entries(case):
        image = None if reference.target is None else images.get(reference.target)
        if reference.descriptor is None or image is None:
            continue
        platform = _platform(reference.descriptor, image)
        if platform:
            groups[index, platform].append((reference, image))
    told: set[tuple[str, frozenset[Location]]] = set()
    for (top, platform), found in groups.items():
        places = dict.fromkeys(reference.where for reference, _ in found)
        digests = {reference.claims for reference, _ in found}
        key = platform, frozenset(places)
        if len(digests) < 2 or key in told:
            continue
        told.add(key)
        configs = {image.config_member for _, image in found}
        severity = Severity.NOTE if len(configs) == 1 and None not in configs else None
        listing = {reference.member for reference, _ in found}
        member, leads = (top, "leads to") if len(listing) > 1 else (listing.pop(), "lists")
        first, *others = places
        message = f"{case.name(member)} {leads} {len(digests)} images for {platform}{contradiction(case)}"
        yield Found(message, first, tuple(others), severity=severity)


def _entries(case: Case) -> Iterator[tuple[int, Reference]]:
    """Every entry of an index, with the one that ``index.json`` lists, or that nothing does, and which leads there.

    Where many indexes share many others, the rest of them is taken each by itself.
    """
    below: dict[int, list[Reference]] = defaultdict(list)
    for reference in case.structure.references:
        if reference.role in (Role.INDEX, Role.MANIFEST) and reference.target is not None:
            below[reference.member].append(reference)
    starts = [below.pop(member, []) for member in case.structure.entry_points]
    tops = dict.fromkeys(reference.target for start in starts for reference in start if reference.target in below)
    reached: set[int] = set()
    steps = case.catalogue.limits.references
    for top in (*tops, *below):
        if top is None or (top in reached and top not in tops):
            continue
        pending, own = [top], {top}
        while pending:
            for reference in below[pending.pop()]:
                steps -= 1
                yield top, reference
                if reference.target in below and reference.target not in own and steps > 0:
                    own.add(reference.target)
                    pending.append(reference.target)
        reached |= own


def _platform(descriptor: Descriptor, image: Image) -> str:
    """What an entry is for, in the words by which it is compared; empty where nothing tells."""
    given = descriptor.platform
    if given is None or not (given.os or given.architecture):
        given = None if image.config is None else image.config.platform
    if given is None or given.unknown or not (given.os or given.architecture):
        return ""
    return one_spelling(given.os, given.architecture, given.variant, given.os_version)


@check("IMG222", "stray-layer-source", Severity.WARNING, Effect.SUSPECT)
def stray_layer_source(case: Case) -> Iterator[Found]:
    """`LayerSources` of `manifest.json` leads to a blob for a layer that the image does not have.

    ## What it means
    The archive carries a blob that one entry names, under a diff_id that is none of the image's.

    ## Why it matters
    It looks as if it belonged to the image, and no reader unpacks it: bytes that travel along.

    ## How it is computed
    Keys of `LayerSources` against `rootfs.diff_ids` of the config. A blob that is a layer of some image is not
    reported, and what is not in the archive is IMG204.

    ## When it is innocent
    No writer of images produces it.
    """
    layers = {layer.member for image in case.structure.images for layer in image.layers}
    for reference in case.structure.references:
        if reference.role is Role.SOURCE and reference.target is not None and reference.target not in layers:
            name = case.name(reference.target)
            message = f"LayerSources leads to {name} for a layer that the image does not have"
            yield Found(message, reference.where, (Location(name),), claimed=reference.claims)


CHECKS: tuple[Check, ...] = (descriptor_urls, contradicting_descriptors, ambiguous_platform, stray_layer_source)

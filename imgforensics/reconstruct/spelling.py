"""Who wrote a manifest, by its spelling: the styles that give these bytes again."""

from imgforensics.documents import Descriptor, Manifest
from imgforensics.reconstruct.manifest import STYLES, Entry, ManifestStyle, write_manifest


def spelled_by(raw: bytes, manifest: Manifest) -> tuple[ManifestStyle, ...]:
    """Styles in which a manifest comes out byte for byte; empty where it is spelled otherwise, or holds other keys.

    Args:
        raw: the manifest's bytes.
        manifest: the same, read.
    """
    config = _entry(manifest.config)
    layers = [entry for layer in manifest.layers if (entry := _entry(layer)) is not None]
    if config is None or len(layers) != len(manifest.layers):
        return ()
    return tuple(
        style
        for style in STYLES
        if _begins(style, raw)
        and write_manifest(style, manifest.media_type, config, layers, manifest.annotations) == raw
    )


def _entry(descriptor: Descriptor | None) -> Entry | None:
    if descriptor is None or descriptor.digest is None or descriptor.size is None:
        return None
    return Entry(
        descriptor.media_type, descriptor.digest, descriptor.size, descriptor.urls, dict(descriptor.annotations)
    )


def _begins(style: ManifestStyle, raw: bytes) -> bool:
    """Whether the first line or so fits, so that a large manifest is not written a dozen times."""
    line = "" if style.indent is None else "\n" + " " * style.indent
    return raw.startswith(f'{{{line}"{style.keys[0]}"'.encode()) and raw.endswith(b"\n") is style.newline

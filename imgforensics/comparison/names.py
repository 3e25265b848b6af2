"""The names of two images, or artifacts, held against each other."""

from imgforensics.refnames import has_repository, normalise
from imgforensics.structure import Image, View


def only_in(image: Image, other: Image) -> tuple[str, ...]:
    """Names of an image that none of another's can mean: the same name however it is spelled, or a bare tag that fits.

    A bare tag stands only in an OCI layout's ``ref.name``, where others spell out the name: a short name in any other
    place is that of a repository.
    """
    full, bare = names_of(other)
    tags = {name.rpartition(":")[2] for name in full}
    of_full, of_bare = names_of(image)
    lone = {name for name in of_full if name not in full and name.rpartition(":")[2] not in bare}
    lone_bare = {name for name in of_bare if name not in bare | tags}
    return tuple(tag for tag in image.tags if (tag in lone_bare if tag in of_bare else normalise(tag) in lone))


def names_of(image: Image) -> tuple[set[str], set[str]]:
    """The names of an image spelled out, and those that are bare tags."""
    given = image.names or tuple((View.OCI, tag) for tag in image.tags)  # those of artifacts
    elsewhere = {name for view, name in given if view is not View.OCI}
    bare = {name for view, name in given if view is View.OCI and not has_repository(name)} - elsewhere
    return {normalise(tag) for tag in image.tags if tag not in bare}, bare & set(image.tags)

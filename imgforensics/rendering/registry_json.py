"""What a registry shows, as JSON: the ``registry`` of an image and the ``expectations`` of an archive."""

from collections.abc import Mapping, Sequence
from typing import Any

from imgforensics.expectation import Expectation
from imgforensics.reconstruct.candidates import Candidate
from imgforensics.reconstruct.registry import Registry
from imgforensics.rendering.escape import json_text

Json = Mapping[str, Any]


def registry_json(registry: Registry | None, expectations: Sequence[Expectation], image: int) -> Json | None:
    """What is known of one image; None where nothing was asked.

    Args:
        registry: of the image.
        expectations: of the whole archive.
        image: index of the image.
    """
    if registry is None:
        return None
    return {
        "likely": None if registry.likely is None else str(registry.likely.digest),
        "candidates": [candidate_json(each) for each in registry.candidates],
        "not_derivable": [json_text(each) for each in registry.reasons],
        "expected": _expected(expectations, image),
    }


def candidate_json(candidate: Candidate) -> Json:
    """One candidate."""
    return {
        "digest": str(candidate.digest),
        "size": candidate.size,
        "media_type": json_text(candidate.media_type),
        "basis": candidate.basis.value,
        "pusher": candidate.pusher,
        "title": json_text(candidate.title),
        "encoder": None if candidate.encoder is None else json_text(candidate.encoder),
        "likelihood": candidate.likelihood.value,
        "layers": [
            {
                "digest": str(layer.descriptor.digest),
                "size": layer.descriptor.size,
                "encoder": json_text(layer.encoder),
            }
            for layer in candidate.layers
        ],
        "assumptions": [json_text(each) for each in candidate.assumptions],
        "evidence": [json_text(each) for each in candidate.evidence],
    }


def expectation_json(expectation: Expectation) -> Json:
    """How one expected digest fared."""
    return {
        "digest": str(expectation.digest),
        "result": expectation.result.value,
        "how": json_text(expectation.how),
        "image": expectation.image,
    }


def _expected(expectations: Sequence[Expectation], image: int) -> Json | None:
    """The expectation that concerns an image: one of its own before one of no image, a match before any other."""
    concerned = [each for told in expectations for each in told.each if each.image in (image, None)]
    for each in sorted(concerned, key=lambda one: (one.image is None, one.result != "match")):
        return {"digest": str(each.digest), "result": each.result.value, "how": json_text(each.how)}
    return None

"""IMG6xx: what the archive was said to hold, and what it holds."""

from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.rule import Found, check
from imgforensics.expectation import Result
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location


@check("IMG601", "expected-digest-refuted", Severity.ERROR, Effect.SUSPECT)
def expected_digest_refuted(case: Case) -> Iterator[Found]:
    """The archive was said to hold an image, and it does not: that image's manifest is known and contradicts it.

    ## What it means

    A digest was expected (`--expect`, `--expect-file`, `--manifest`). The manifest of that digest was handed in or lies
    in the archive, and it names another config, or the archive's layers are not those that its config names.

    ## Why it matters

    It is not that image, whatever its tags say.

    ## How it is computed

    The SHA-256 of the manifest's bytes is the expected digest; the config digest in it, and the diff_ids in that
    config, are compared with what was computed from the archive's bytes.

    ## When it is innocent

    The manifest of another platform, or an older push of the same tag, was handed in.
    """
    for each in case.expectations:
        if each.result is Result.REFUTED:
            message = f"the archive does not hold {each.digest}: {each.how}"
            yield Found(message, Location(image=each.image), claimed=str(each.digest))


@check("IMG602", "expected-digest-not-reproduced", Severity.ERROR, Effect.NONE)
def expected_digest_not_reproduced(case: Case) -> Iterator[Found]:
    """An expected digest was not found in the archive, and no known way of pushing its images gives it.

    ## What it means

    A digest was expected, and nothing proves or refutes it. It does not make the archive suspect.

    ## Why it matters

    Whoever relies on the digest has no proof that the archive holds that image.

    ## How it is computed

    Manifests and indexes in the archive, learned ones, and everything that known pushing tools would upload are hashed
    and compared with the digest; the message says what was tried.

    ## When it is innocent

    Often: layers that the registry had already keep the form in which another tool compressed them, annotations are not
    in the archive, a compressor is of a version that is not known here. The manifest itself (`--manifest`) settles it.
    """
    for each in case.expectations:
        if each.result is Result.NOT_REPRODUCED:
            message = f"{each.digest} was not reproduced: {each.how}"
            yield Found(message, Location(image=each.image), claimed=str(each.digest))


CHECKS = (expected_digest_refuted, expected_digest_not_reproduced)

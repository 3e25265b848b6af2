"""Every signature to its judgement: the one place that knows which verifier, and which extra, a scheme takes."""

from typing import TYPE_CHECKING

from imgforensics.errors import ImgforensicsError
from imgforensics.signature import Found, Judgement, Scheme, Status
from imgforensics.trust.material import Material
from imgforensics.trust.refusal import RefusedError, unverifiable

if TYPE_CHECKING:
    from imgforensics.trust.anchors import Anchors

_VERIFY = "the extra imgforensics[verify] is not installed"
_SIGSTORE = "the extra imgforensics[sigstore] is not installed"

_MOST_PROGRAMS = 64
"""Runs of gpg for one archive; each takes some tenths of a second."""


class Judge:
    """Judges signatures by one set of trust material, parsed once."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._anchors: Anchors | None = None
        self._programs = 0

    def check(self) -> None:
        """Parse the material, so that a wrong file is an error before any work.

        Raises:
            InputError: a file that the user gave is not what it should be.
        """
        try:
            self._parsed().load()
        except ModuleNotFoundError:
            return  # each judgement says so

    def judge(self, found: Found) -> Judgement:
        """What one signature is worth.

        Raises:
            InputError: a file that the user gave is not what it should be.
        """
        if found.scheme is Scheme.UNSIGNED:
            return Judgement(Status.UNSIGNED, "nobody signed it: whoever wrote the archive can have written this")
        if found.broken is not None:
            return Judgement(Status.INVALID if found.content else Status.UNVERIFIABLE, found.broken)
        try:
            return self._verify(found)
        except RefusedError as error:
            return Judgement(error.status, error.reason)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            return Judgement(Status.UNVERIFIABLE, _SIGSTORE if missing.startswith("sigstore") else _VERIFY)
        except ImgforensicsError:
            raise
        except Exception as error:  # noqa: BLE001 - one bug must not cost the rest of the report
            reason = f"the verification failed, please report it: {type(error).__name__}: {error}"
            return Judgement(Status.UNVERIFIABLE, reason)

    def _parsed(self) -> "Anchors":
        if self._anchors is None:
            from imgforensics.trust.anchors import Anchors

            self._anchors = Anchors(self._material)
        return self._anchors

    def _verify(self, found: Found) -> Judgement:
        """Ask the verifier of the scheme. Its libraries are imported here, when such a signature is met."""
        if found.scheme is Scheme.GPG:
            from imgforensics.trust import gpg

            self._programs += 1
            if self._programs > _MOST_PROGRAMS:
                raise unverifiable(f"{_MOST_PROGRAMS} signatures were given to gpg; the others were not")
            return gpg.judge(found, self._material)
        anchors = self._parsed()
        from imgforensics.trust import bundles, cosign, notation, tuf

        by_scheme = {
            Scheme.COSIGN: cosign.judge_simple_signing,
            Scheme.DSSE: cosign.judge_envelope,
            Scheme.BUNDLE: bundles.judge,
            Scheme.NOTATION_JWS: notation.judge,
            Scheme.NOTATION_COSE: notation.judge,
            Scheme.CONTENT_TRUST: tuf.judge,
        }
        return by_scheme[found.scheme](found, anchors)

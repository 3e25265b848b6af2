"""How a verification stops, and the list of what it has done."""

from imgforensics.signature import Checked, CheckResult, Status


class RefusedError(Exception):
    """A verification came to its end without a good answer. It never leaves this room."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def invalid(reason: str) -> RefusedError:
    """Something is broken, whoever is trusted."""
    return RefusedError(Status.INVALID, reason)


def unverifiable(reason: str) -> RefusedError:
    """Nothing is known to be broken, and what is needed to trust it is not there."""
    return RefusedError(Status.UNVERIFIABLE, reason)


class Checklist:
    """The steps of one verification, in order."""

    def __init__(self) -> None:
        self._steps: list[Checked] = []

    def passed(self, what: str, detail: str = "") -> None:
        """Note a step that held."""
        self._steps.append(Checked(what, CheckResult.PASSED, detail))

    def failed(self, what: str, detail: str) -> None:
        """Note a step that did not hold."""
        self._steps.append(Checked(what, CheckResult.FAILED, detail))

    def left(self, what: str, why: str) -> None:
        """Note a step that was not taken."""
        self._steps.append(Checked(what, CheckResult.NOT_DONE, why))

    def steps(self) -> tuple[Checked, ...]:
        """Everything that was noted."""
        return tuple(self._steps)

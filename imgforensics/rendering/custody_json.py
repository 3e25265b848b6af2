"""The custody of a report or of one archive in it, as JSON."""

from collections.abc import Mapping
from typing import Any

from imgforensics.custody import Custody
from imgforensics.itself import NAME
from imgforensics.rendering.escape import json_text
from imgforensics.rendering.writer import utc
from imgforensics.report import Period

Json = Mapping[str, Any]


def custody_json(custody: Custody, period: Period | None) -> Json:
    """How a report came about.

    Args:
        custody: of the run.
        period: of the run, or of the archive that is told of.
    """
    identity = custody.identity
    return {
        "tool": {
            "name": NAME,
            "version": identity.version,
            "digest": identity.digest,
            "files": identity.files,
            "compiled": identity.compiled,
        },
        "command": custody.command,
        "options": clean(custody.options),
        "inputs": [
            {
                "use": json_text(each.use),
                "source": json_text(each.source),
                "sha256": None if each.sha256 is None else str(each.sha256),
                "size": each.size,
            }
            for each in custody.inputs
        ],
        "rules": {rule.code: rule.since for rule in (*custody.rules, *custody.set_rules)},
        "started": None if period is None else utc(period.started),
        "ended": None if period is None else utc(period.ended),
    }


def clean(value: object) -> object:
    """A value, its texts as :func:`.json_text` gives them; that of a document is as deep as its reader allows."""
    if isinstance(value, str):
        return json_text(value)
    if isinstance(value, Mapping):
        return {json_text(key): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value

"""Member names as Go's ``path`` package handles them, which most readers compare by."""

from imgforensics.remembered import remembered


@remembered
def clean(name: str) -> str:
    """``path.Clean`` of Go: the shortest equal path. A leading slash and leading ``..`` stay, nothing becomes ``.``."""
    rooted = name.startswith("/")
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            if parts and parts[-1] != "..":
                parts.pop()
            elif not rooted:
                parts.append(part)
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."


def join(*parts: str) -> str:
    """``path.Join`` of Go: empty parts are left out, the rest is cleaned; nothing gives nothing."""
    given = [part for part in parts if part]
    return clean("/".join(given)) if given else ""


def parent(name: str) -> str:
    """``path.Dir`` of Go."""
    return clean(name[: name.rfind("/") + 1])

"""What is compiled, as plain Python, beside its compiled self: the encoders, and the rooms that read layers."""

import importlib
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType

import imgforensics

PACKAGE = "imgforensics.recompress"
ROOMS = frozenset(f"imgforensics.{path.stem}" for path in Path(imgforensics.__file__).parent.glob("*.pxd")) | {
    "imgforensics.layerwalk"  # not compiled, but made of what is
}


class _SourcesOnly:
    """Finds the sources of some modules and nothing that was compiled from them."""

    def __init__(self, belongs: Callable[[str], bool]) -> None:
        self._belongs = belongs

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if name == "cython":
            raise ImportError("the sources must do without")
        if not self._belongs(name):
            return None
        for folder in path or []:
            spec = FileFinder(folder, (SourceFileLoader, [".py"])).find_spec(name, target)
            if spec is not None:
                return spec
        return None


def _imported(belongs: Callable[[str], bool], wanted: Sequence[str]) -> list[ModuleType]:
    """Modules from their sources alone, with all that belong to them; what was imported before stays what it was."""
    compiled = {name: module for name, module in sys.modules.items() if belongs(name)}
    for name in compiled:
        del sys.modules[name]
    real = sys.modules.pop("cython", None)
    finder = _SourcesOnly(belongs)
    sys.meta_path.insert(0, finder)
    try:
        return [importlib.import_module(name) for name in wanted]
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if belongs(name)]:
            del sys.modules[name]
        sys.modules.update(compiled)
        if real:
            sys.modules["cython"] = real
        for name, module in compiled.items():
            if name.count(".") == 1:
                setattr(imgforensics, name.partition(".")[2], module)


@cache
def plain(name: str = "") -> ModuleType:
    """``imgforensics.recompress``, or a module of it, loaded from sources alone."""
    if name:
        module: ModuleType = getattr(plain(), name)
        return module
    return _imported(lambda each: f"{each}.".startswith(f"{PACKAGE}."), [PACKAGE])[0]


@cache
def plain_room(name: str) -> ModuleType:
    """A room that reads layers, loaded from sources alone; all of them are made of each other."""
    return _plain_rooms()[f"imgforensics.{name}"]


@cache
def _plain_rooms() -> dict[str, ModuleType]:
    wanted = sorted(ROOMS)
    return dict(zip(wanted, _imported(ROOMS.__contains__, wanted), strict=True))

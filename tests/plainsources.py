"""The encoders as plain Python, beside their compiled selves."""

import importlib
import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType

import imgforensics

PACKAGE = "imgforensics.recompress"


class _SourcesOnly:
    """Finds the sources of the package and nothing that was compiled from them."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None, /) -> ModuleSpec | None:
        if name == "cython":
            raise ImportError("the sources must do without")
        if name != PACKAGE and not name.startswith(f"{PACKAGE}."):
            return None
        for folder in path or []:
            spec = FileFinder(folder, (SourceFileLoader, [".py"])).find_spec(name, target)
            if spec is not None:
                return spec
        return None


def _loaded() -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if f"{name}.".startswith(f"{PACKAGE}.")}


@cache
def plain(name: str = "") -> ModuleType:
    """``imgforensics.recompress``, or a module of it, loaded from sources alone."""
    if name:
        module: ModuleType = getattr(plain(), name)
        return module
    compiled = _loaded()
    for module_name in compiled:
        del sys.modules[module_name]
    real = sys.modules.pop("cython", None)
    finder = _SourcesOnly()
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(PACKAGE)
    finally:
        sys.meta_path.remove(finder)
        for module_name in _loaded():
            del sys.modules[module_name]
        sys.modules.update(compiled)
        if real:
            sys.modules["cython"] = real
        if PACKAGE in compiled:
            imgforensics.recompress = compiled[PACKAGE]

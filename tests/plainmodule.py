"""Sources of encoders as plain Python, beside their compiled selves."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import imgforensics.recompress

FOLDER = Path(imgforensics.recompress.__file__).parent


def plain_module(name: str) -> ModuleType:
    """``imgforensics.recompress.<name>`` from its source, whether or not it was compiled; what it imports is not."""
    alias = f"plain_{name}"
    if alias not in sys.modules:
        spec = importlib.util.spec_from_file_location(alias, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[alias] = module
        spec.loader.exec_module(module)
    return sys.modules[alias]

"""Two archives side by side: which images, config values, layers and files differ, and in what wrapping they came."""

from imgforensics.comparison.archives import Answer, Comparison, compare

__all__ = ["Answer", "Comparison", "compare"]

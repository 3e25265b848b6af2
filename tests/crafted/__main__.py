"""Print ``docs/threats.md``: ``python -m tests.crafted > docs/threats.md``."""

from tests.crafted.page import page

print(page(), end="")

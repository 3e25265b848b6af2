"""``python -m imgforensics``."""

from imgforensics.cli import main

if __name__ == "__main__":
    main()

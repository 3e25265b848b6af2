"""The door: ``python -m imgforensics`` and the command ``imgforensics``."""


def main() -> None:
    """Run the command. It is imported in here, so that an interrupt on the way is no traceback either."""
    try:
        from imgforensics.cli import main as command

        command()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()

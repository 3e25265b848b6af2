"""What the README shows is what the program prints."""

from tests.transcripts import README, played


def test_every_transcript_is_what_the_commands_print() -> None:
    text = README.read_text(encoding="utf-8")
    assert "```console" in text
    assert played(text) == text, "python -m tests.transcripts"

"""Offsets as text: what is written is read, and nonsense is named."""

import pytest

from connectors.offsets import format_offsets, parse_offsets
from jobs.arguments import parse


def test_text_and_offsets_go_over_into_each_other() -> None:
    text = "nets.provenance/3:0,obligations/0:12,obligations/10:7"
    offsets = {("nets.provenance", 3): 0, ("obligations", 0): 12, ("obligations", 10): 7}
    assert parse_offsets(text) == offsets
    assert format_offsets(offsets) == text
    assert parse_offsets(" obligations/0:12 , obligations/1:1 ") == {
        ("obligations", 0): 12,
        ("obligations", 1): 1,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not TOPIC/PARTITION:OFFSET"),
        ("obligations:5", "'obligations:5' is not"),
        ("obligations/0:-1", "is not"),
        ("obligations/0:1,", "'' is not"),
        ("obligations/0:٣", "is not"),
        ("obligations/0:1,obligations/0:1", "obligations/0 is named twice"),
    ],
)
def test_nonsense_is_named(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_offsets(text)


def test_a_job_takes_them(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--brokers", "b:1", "--until", "obligations/0:5,obligations/1:0"]
    ends = parse("netting", argv).ends
    assert ends.until == {("obligations", 0): 5, ("obligations", 1): 0}
    assert parse("netting", argv[:2]).ends.until is None
    with pytest.raises(SystemExit) as ended:
        parse("netting", [*argv[:2], "--until", "five"])
    assert ended.value.code == 2
    assert "'five' is not TOPIC/PARTITION:OFFSET" in capsys.readouterr().err

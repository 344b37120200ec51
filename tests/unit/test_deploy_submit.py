"""What `tidemark submit` refuses before Flink is asked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import UserError
from deploy.flink.client import Flink
from deploy.settings import Settings
from schemas import compatibility
from schemas.records import Record, record


def test_an_incompatible_schema_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    newest = record("Posting")
    added: dict[str, Any] = {"name": "purpose", "type": "string"}
    broken = replace(newest, version=3, schema=newest.schema | {"fields": [*newest.fields, added]})

    def versions(name: str) -> list[Record]:
        return [newest, broken] if name == "Posting" else [record(name)]

    monkeypatch.setattr(compatibility, "versions", versions)
    monkeypatch.setattr(Flink, "_check", lambda *_: None)
    flink = Flink(Settings(home=tmp_path))
    with pytest.raises(
        UserError, match=r"^Posting version 3 cannot read version 2: .*purpose"
    ) as e:
        flink.submit("netting", 1)
    assert "\n" not in str(e.value)

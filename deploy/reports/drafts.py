"""A draft of a report: parts with fields, known or open; as Markdown and JSON.

A draft decides nothing: whether there is a suspicion, and whether it is reported, is for a person
to say. A field that nothing is known of is open, and none is guessed.
"""

from dataclasses import dataclass
from pathlib import Path

from deploy.reports import form

Known = str | list[str] | None
"""What is known of a field; None if a person has to fill it."""


@dataclass(frozen=True)
class Part:
    """A section of the form: its heading and its fields in order."""

    title: str
    fields: tuple[tuple[str, Known], ...]


@dataclass(frozen=True)
class Draft:
    """One draft: what form, whom it is about, and its parts.

    Attributes:
        form: STOR, SAR or CTR.
        subject: Whom it is about.
        parts: What the form asks for, in its order.
        alerts: Ids of the alerts behind it, each that of its first version.
        day: The business day it is about, as in 2026-03-02; empty if it is about none.
    """

    form: str
    subject: str
    parts: tuple[Part, ...]
    alerts: tuple[str, ...] = ()
    day: str = ""

    @property
    def open(self) -> list[str]:
        """Parts and fields that nothing is known of, as `part: field`."""
        return [
            f"{part.title}: {name}"
            for part in self.parts
            for name, value in part.fields
            if value is None
        ]

    @property
    def file(self) -> str:
        """Its file's name, without an ending."""
        day = f"-{self.day}" if self.day else ""
        return f"{self.form.lower()}-{form.safe(self.subject)}{day}"


def unknown(title: str, *names: str) -> Part:
    """A part of which nothing is known."""
    return Part(title, tuple((name, None) for name in names))


def markdown(draft: Draft) -> str:
    """The draft for people; open fields say so."""
    lines = [
        f"# {draft.form} draft: {form.words(draft.subject)}",
        "",
        "Made from the log. Not filed; nothing in it was judged by a person.",
    ]
    for part in draft.parts:
        lines += ["", f"## {part.title}", ""]
        for name, value in part.fields:
            if value is None:
                lines.append(f"- {name}: **open**")
            elif isinstance(value, str):
                lines.append(f"- {name}: {form.words(value)}")
            else:
                lines.append(f"- {name}:")
                lines += [f"  - {form.words(one)}" for one in value]
    return "\n".join(lines) + "\n"


def write(folder: Path, drafts: list[Draft]) -> list[Path]:
    """Write each draft as Markdown and JSON; the Markdown files."""
    paths = []
    for draft in drafts:
        path = folder / f"{draft.file}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(markdown(draft), encoding="utf-8")
        parts = [
            {"title": part.title, "fields": [{"name": n, "value": v} for n, v in part.fields]}
            for part in draft.parts
        ]
        told = {"form": draft.form, "subject": draft.subject, "status": "draft, not filed"}
        told |= {"day": draft.day} if draft.day else {}
        said = {"parts": parts, "open": draft.open, "alerts": list(draft.alerts)}
        form.write_json(path.with_suffix(".json"), {**told, **said})
        paths.append(path)
    return paths

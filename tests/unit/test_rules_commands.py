"""`tidemark rules` over a log in memory: files, tables, and one line for what a person can mend."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from deploy import cli
from deploy.commands import rules
from deploy.proofs.keys import SigningKey, open_or_make
from deploy.rules import asked as rules_asked
from deploy.rules import ends, known, written
from tests.made_rules import KNOWN, NOON, WRITTEN, Desk, Shell
from udfs.aml.ruleset import canonical, default, digest, parse
from udfs.motifs.params import COMMON, MOTIFS

AT = ["--effective", "2026-03-02T13:00:00Z", "--author", "ada", "--reason", "calibrated"]


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    app, desk = typer.Typer(), Desk()
    rules.register(app)
    desk.tick("postings", NOON)
    for partition in range(4):
        desk.log.tick("rules", partition, 1_000)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "register_all", lambda: None)
    monkeypatch.setattr(ends, "opened", desk.opened)
    for module in (known, rules_asked):
        monkeypatch.setattr(module, "known", lambda: KNOWN)
    open_or_make(tmp_path / "rules.pem", ["tidemark.local/rules"])
    return Shell(tmp_path, desk, capsys)


def test_a_file_is_published_shown_and_compared(shell: Shell) -> None:
    file = shell.file()
    code, out, _ = shell("rules", "publish", file, "--key", shell.key, *AT, "--json")
    assert code == 0
    assert json.loads(out)["epoch"] == 1
    archive = shell.archive()
    public = shell.key.with_suffix(".pub")
    code, out, _ = shell("rules", "show", "--file", archive, "--key", public, "--json")
    (row,) = json.loads(out)
    assert (row["effective"], row["partitions"]) == ("2026-03-02T13:00:00.000000Z", 4)
    assert (row["author"], row["signature"]) == ("ada", "ok")
    assert row["hash"] == digest(canonical(written.read(file, KNOWN)))
    code, out, _ = shell("rules", "diff", "default", "live", "--file", archive, "--json")
    assert {
        "what": "rules.structuring.limit",
        "before": "1000000",
        "after": "900000",
    } in json.loads(out)
    code, out, _ = shell("rules", "diff", "1", file, "--file", archive, "--json")
    assert json.loads(out) == []


def test_what_is_shown_can_be_published_again(shell: Shell) -> None:
    shell("rules", "publish", shell.file(), "--key", shell.key, *AT)
    _, out, _ = shell("rules", "show", "live", "--file", shell.archive())
    again = shell.file(out, "again.yaml")
    assert canonical(written.read(again, KNOWN)) == canonical(written.read(shell.file(), KNOWN))
    _, out, _ = shell("rules", "show", "default")
    assert written.read(shell.file(out), KNOWN) == default(KNOWN, MOTIFS)
    _, out, _ = shell("rules", "show", "default", "--json")
    assert parse(out, KNOWN, MOTIFS) == default(KNOWN, MOTIFS)


def test_tables_are_for_people(shell: Shell) -> None:
    _, out, _ = shell("rules", "publish", shell.file(), "--key", shell.key, *AT)
    assert out.startswith("epoch 1, LIVE: ")
    archive = shell.archive()
    _, out, _ = shell("rules", "show", "--file", archive)
    assert "not checked" in out
    _, out, _ = shell("rules", "diff", "default", "live", "--file", archive)
    assert "rules.structuring.bands.LOW.at_least" in out
    _, out, _ = shell("rules", "check", shell.file())
    assert "is a rule set: " in out
    assert "1 rules run; not listed: none" in out


def test_check_says_what_does_not_run(shell: Shell) -> None:
    _, out, _ = shell("rules", "check", shell.file("rules: {velocity: {}}"), "--json")
    said = json.loads(out)
    assert (said["running"], said["off"], said["unlisted"]) == (["velocity"], [], ["structuring"])
    assert said["unlisted_motifs"] == sorted(MOTIFS.keys() - {COMMON})
    assert "BIF" in said["without_rate"]
    assert "USD" not in said["without_rate"]


def test_a_shadow_is_published_and_ended(shell: Shell) -> None:
    shell("rules", "publish", shell.file(), "--key", shell.key, *AT, "--shadow")
    code, out, _ = shell("rules", "end-shadow", "--key", shell.key, *AT, "--json")
    assert (code, json.loads(out)["mode"], json.loads(out)["epoch"]) == (0, "SHADOW_END", 2)
    code, _, err = shell("rules", "end-shadow", "--key", shell.key, *AT)
    assert code == 1
    assert err.startswith("tidemark: there is no shadow rule set to end")


def test_a_key_is_made_once(shell: Shell) -> None:
    path = shell.folder / "new.pem"
    code, _, _ = shell("rules", "key", path)
    assert code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    SigningKey.load(path)
    assert path.with_suffix(".pub").read_text().startswith("tidemark.local/new+")
    for again, says in ((path, "is there already"), (shell.folder / "x", "name it with .pem")):
        code, _, err = shell("rules", "key", again)
        assert code == 1
        assert says in err


BAD: list[tuple[str, str]] = [
    ("rules: {}\nmotifs: {fan: {}}", "line 2: motif fan: there is no such motif; there are: "),
    (
        "rules: {}\nmotifs:\n  cycle:\n    longest: 17\n",
        "line 4: motif cycle, field longest: input should be less than or equal to 16, not 17",
    ),
    (
        "rules: {}\nmotifs:\n  common: {floor: -1}\n",
        "line 3: motif common, field floor: input should be greater than or equal to 0",
    ),
    (
        "rules: {}\nmotifs:\n  fan-in:\n    bands:\n"
        "      - {name: HIGH, at_least: 3, score: 1}\n      - {name: LOW, at_least: 4, score: 2}\n",
        "line 3: motif fan-in: name each band once, in order LOW, MEDIUM, HIGH",
    ),
    ("rules: {structring: {}}", "line 1: rule structring: there is no such rule"),
    (
        "\nrules:\n  structuring:\n    limt: 3\n",
        "line 4: rule structuring, field limt: there is no",
    ),
    (
        "rules:\n  structuring:\n    bands:\n    - {name: LOW, at_least: 5, score: 1}\n"
        "    - {name: HIGH, at_least: 5, score: 1}\n",
        "line 2: rule structuring: bands LOW from 5 and HIGH from 5 overlap",
    ),
    (
        "rules:\n  structuring:\n    bands:\n    - name: LOW\n      at_least: -5\n      score: 1\n",
        "line 5: rule structuring, field bands.0.at_least: ",
    ),
    ("rules: {velocity: {cool_down_s: 99999999999}}", "line 1: rule velocity, field cool_down_s: "),
    (
        "rules: {structuring: {limit: 1.5}}",
        'field limit: input should be a valid integer, not "1',
    ),
    (
        "rules: {structuring: {limit: 010}}",
        'field limit: input should be a valid integer, not "0',
    ),
    ("rules: {structuring: {enabled: yes}}", "field enabled: input should be a valid boolean"),
    ("rules: {structuring: {limit: }}", "field limit: input should be a valid integer"),
    ("rules: {}\nrules: {}\n", "line 2: 'rules' stands twice in one table; keep one"),
    ("rules: [", "this is no YAML: "),
    ("rules: {a: \x01}", "this is no YAML: "),
    ("rules: &a {}\ntypologies: *a\n", "references are not understood; write it out"),
    ("rules: !!set {a}\n", "line 1: the tag tag:yaml.org,2002:set is not understood"),
    ("? [a]\n: b\n", "line 1: a name must be a text; mend it"),
    ("", "is empty; write a rule set"),
    ("- a\n", "mend it"),
    ("[" * 5_000, "is nested too deeply; mend it"),
    ("#" * 300_000, "at most 262,144 are read"),
]


@pytest.mark.parametrize(("text", "says"), BAD)
@pytest.mark.parametrize("command", ["check", "publish"])
def test_a_file_that_is_wrong_is_one_line_with_its_place(
    shell: Shell, command: str, text: str, says: str
) -> None:
    asked = ["--key", shell.key, *AT] if command == "publish" else []
    code, out, err = shell("rules", command, shell.file(text), *asked)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"tidemark: {shell.folder / 'rules.yaml'}")
    assert says in err
    assert not shell.desk.sent


def test_other_things_a_person_can_mend(shell: Shell, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    other = tmp_path / "ec.pem"
    other.touch(0o600)
    other.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    file, key, archive = shell.file(), shell.key, shell.archive()
    when = ["--author", "ada", "--reason", "x", "--effective"]
    bad: list[tuple[list[Any], str]] = [
        (["publish", file, "--key", other, *AT], "is a key of type EC; Ed25519 is needed"),
        (["publish", file, "--key", tmp_path / "no.pem", *AT], "make one: tidemark rules key"),
        (["publish", file, "--key", key.with_suffix(".pub"), *AT], "can be read by others"),
        (["publish", tmp_path, "--key", key, *AT], "is no file; give a rule set in YAML"),
        (["publish", key, "--key", key, *AT], "mend it"),
        (["publish", file, "--key", key, *when, "noon"], "--effective 'noon' is no time"),
        (["publish", file, "--key", key, *when, "2026-03-02T12:00:00Z"], "not in the future"),
        (["publish", file, "--key", key, *AT, "--epoch", "0"], "--epoch 0 is not above 0"),
        (["publish", file, "--key", key, *AT, "--approver", "ada"], "cannot approve"),
        (["check", tmp_path / "no.yaml"], "is no file"),
        (["show", "7", "--file", archive], "'7' is no file, no epoch and no hash"),
        (["show", "live", "--file", archive], "there is no live rule set"),
        (["show", "--file", tmp_path], "is no archive"),
        (["show", "--file", archive, "--key", key], "is a PEM file; give the file of public keys"),
        (["diff", "1", file, "--file", archive], "'1' is no file, no epoch"),
    ]
    for argv, says in bad:
        code, _, err = shell("rules", *argv)
        assert (code, err.count("\n")) == (1, 1), err
        assert says in err
    assert not shell.desk.sent


def test_no_is_a_country_and_an_old_number_a_text(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(WRITTEN)
    rules_read = written.read(path, KNOWN)
    assert rules_read.corridors == (("NO", "IR"), ("*", "KP"))
    assert rules_read.transfer_floor == 20_000


def test_the_example_of_the_documentation_is_a_rule_set(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    path = tmp_path / "r.yaml"
    path.write_text(page.split("```yaml\n")[1].split("```")[0])
    found = written.read(path, KNOWN)
    assert [name for name, params in found.rules.items() if params.enabled] == ["structuring"]

"""The keys whose rule sets count: an option of the job, recorded with the others."""

from pathlib import Path

import pytest

import deploy.flink
from connectors.spec import JobSpec
from deploy.commands import jobs
from deploy.errors import UserError
from deploy.proofs.keys import SigningKey
from deploy.replay.recorded import options_of
from deploy.rules.trusted import keys_text
from jobs.arguments import parse
from jobs.catalogue import Config, aml_job
from schemas.notes import COSIGNATURE
from udfs.aml import trust
from udfs.aml.step import AmlStep

LOW, HIGH = b"\x01" * 32, b"\xfe" * 32
BOTH = f"{'01' * 32},{'fe' * 32}"


def keys(job: JobSpec) -> tuple[bytes, ...]:
    assert isinstance(job.step, AmlStep)
    return job.step.keys


@pytest.mark.parametrize("text", [BOTH, f"{'FE' * 32},{'01' * 32}", f"{BOTH},{'01' * 32}"])
def test_keys_have_one_form(text: str) -> None:
    assert trust.keys_of(text) == (LOW, HIGH)
    assert Config(rule_keys=text) == Config(rule_keys=BOTH)
    assert trust.keys_text([HIGH, LOW, HIGH]) == BOTH
    assert keys(aml_job(Config(rule_keys=text))) == (LOW, HIGH)


def test_without_keys_nothing_counts_and_nothing_is_recorded() -> None:
    assert trust.keys_of("") == ()
    assert keys(aml_job(Config())) == ()
    assert str(Config()).endswith("edge_s=10")


@pytest.mark.parametrize("text", ["01", "0g" * 32, "01" * 32 + ",", "01" * 33, "a;b=c"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no public key: give 64 hex digits"):
        Config(rule_keys=text)


def test_the_recorded_version_gives_the_keys_back() -> None:
    config = Config(2, 250, rule_keys=BOTH)
    version = aml_job(config).version
    assert version.endswith(f";edge_s=10;rule_keys={BOTH}")
    assert options_of("aml", version) == config
    assert options_of("aml", version.replace(f";rule_keys={BOTH}", "")) == Config(2, 250)
    with pytest.raises(UserError, match="is no public key"):
        options_of("aml", version[:-1])


def test_the_job_takes_keys_on_its_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse("aml", ["--brokers", "b", "--rule-keys", BOTH.upper()]).config.rule_keys == BOTH
    assert parse("aml", ["--brokers", "b", "--rule-keys", ""]).config == Config()
    with pytest.raises(SystemExit):
        parse("aml", ["--brokers", "b", "--rule-keys", "rules.pub"])
    assert "argument --rule-keys: 'rules.pub' is no public key" in capsys.readouterr().err


def test_files_of_public_keys_become_the_option(tmp_path: Path) -> None:
    made = [SigningKey.make() for _ in range(2)]
    octets = [key.public("").octets for key in made]
    both, second = tmp_path / "both.pub", tmp_path / "second.pub"
    both.write_text("".join(f"{key.public('desk')}\n" for key in made))
    second.write_text(f"{made[1].public('other')}\n")
    assert keys_text([both, second]) == trust.keys_text(octets)
    witness = tmp_path / "witness.pub"
    witness.write_text(f"{made[0].public('w', COSIGNATURE)}\n")
    with pytest.raises(UserError, match="w is a witness's key; give one made by"):
        keys_text([witness])


def test_submit_reads_the_files_for_the_job_that_takes_rule_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, object]] = []

    class Flink:
        def __init__(self, settings: object) -> None:
            pass

        def submit(self, job: str, parallelism: int, options: object, savepoint: object) -> str:
            asked.append((job, options))
            return "id"

        def wait_for(self, job_id: str, state: str) -> None:
            pass

    monkeypatch.setattr(deploy.flink, "Flink", Flink)
    public = tmp_path / "rules.pub"
    key = SigningKey.make().public("desk")
    public.write_text(f"{key}\n")
    jobs.submit("aml", 1, ["slice-ms=500"], None, [public])
    assert asked == [("aml", {"slice-ms": "500", "rule-keys": key.octets.hex()})]
    with pytest.raises(UserError, match="netting takes no rule sets; leave --rule-keys out"):
        jobs.submit("netting", 1, [], None, [public])

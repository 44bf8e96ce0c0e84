"""A journal holds every finished report, and the next run resumes from it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from purview_mpe import Account, FleetReport, Outcome, Report, Spec
from purview_mpe._client.journal import Journal
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import InvalidSpec
from tests.support.colours import fleet_of
from tests.support.nouns import ACCOUNT, FACTORY, STORAGE
from tests.support.processes import unmeasured

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.colours import Colour

SPEC = Spec(factory=FACTORY, account=ACCOUNT, name="pv")

#: Opens a journal, prints a line, and holds the journal until its standard input ends.
HOLDER = """
import sys
from purview_mpe._client.journal import Journal
with Journal(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
"""

#: Creates for four factories in a process whose files are limited to 10,000 bytes; prints its events and its report.
FULL_DISK = """
import asyncio, json, resource, sys
from tests.support.colours import Colour, fleet_of
from purview_mpe.emulator import Emulator
emulator, heard = Emulator(), []
specs = fleet_of(emulator, 4)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
made = Colour(sys.argv[1]).run(
    emulator,
    lambda client: client.create_many(specs, journal=sys.argv[2]),
    on_event=lambda event: heard.append((event.kind, event.verb, event.message)),
)
print(json.dumps([heard, made.model_dump(mode="json")]))
"""


def report(spec: Spec = SPEC, **fields: object) -> Report:
    """A report of one created endpoint."""
    outcome = Outcome(name="pv", group_id="account", resource_id=ACCOUNT, result="created")
    return Report(**({"verb": "create_all", "spec": spec, "outcomes": (outcome,)} | fields))


def two_accounts(emulator: Emulator) -> list[Spec]:
    """Two specs of one factory, each for its own account."""
    second = emulator.add_account("second")
    return [
        Spec(factory=str(emulator.factory), account=str(emulator.account), name="purview"),
        Spec(factory=str(emulator.factory), account=str(second), name="second"),
    ]


class Disk:
    """A file that fails once `room` is used up, as on a full disk: it first writes part of the line."""

    def __init__(self, file, room: int) -> None:
        self._file = file
        self.room = room

    def write(self, line: bytes) -> int:
        """Write as much as fits."""
        if self.room <= 0:
            raise OSError(28, "No space left on device")
        written = self._file.write(line[: self.room])
        self.room -= written
        return written

    def __getattr__(self, name: str):
        return getattr(self._file, name)


def on_small_disk(path: Path, room: int, said: list[str]) -> tuple[Journal, Disk]:
    """A journal on a disk with this much room."""
    journal = Journal(path, said.append)
    journal._file = disk = Disk(journal._file, room)
    return journal, disk


def test_journal_without_a_path_writes_nothing():
    """A run without a journal needs no file."""
    with Journal(None) as journal:
        journal.add(report())
        assert journal.warning is None


def test_two_specs_of_one_factory_are_both_read_back(colour: Colour, emulator: Emulator, tmp_path):
    """Reports are kept by factory and account, so both are read back, approved and skipped by the next run."""
    specs, path = two_accounts(emulator), tmp_path / "fleet.jsonl"
    made = colour.run(emulator, lambda client: client.create_many(specs, journal=path))
    assert set(FleetReport.load(path).reports) == set(made.reports)
    before = len(emulator.requests)
    again = colour.run(emulator, lambda client: client.create_many(specs, resume=path))
    assert again.reports == made.reports
    assert len(emulator.requests) == before
    approved = colour.run(emulator, lambda client: client.approve_many(FleetReport.load(path)))
    assert approved.counts == {"approved": 8}


def test_resuming_from_a_report_with_two_specs_of_one_factory(colour: Colour, emulator: Emulator):
    """The same holds for a report that was never in a file."""
    specs = two_accounts(emulator)
    made = colour.run(emulator, lambda client: client.create_many(specs))
    before = len(emulator.requests)
    assert colour.run(emulator, lambda client: client.create_many(specs, resume=made)).reports == made.reports
    assert len(emulator.requests) == before


def test_groups_of_one_account_have_their_own_reports(tmp_path):
    """Specs for different groups of one account keep separate reports; a repeated spec replaces its report."""
    blob, queue = (SPEC.model_copy(update={"groups": (group,), "name": group}) for group in ("blob", "queue"))
    path = tmp_path / "fleet.jsonl"
    with Journal(path) as journal:
        for spec in (blob, queue, blob):
            journal.add(report(spec))
    assert {each.spec for each in FleetReport.load(path).reports} == {blob, queue}
    assert len(FleetReport.load(path).reports) == 2


def test_a_renamed_spec_replaces_its_report(tmp_path):
    """After a change of the base name, the journal holds only the new report."""
    renamed, path = SPEC.model_copy(update={"name": "other"}), tmp_path / "fleet.jsonl"
    with Journal(path) as journal:
        journal.add(report())
        journal.add(report(renamed))
    assert [each.spec for each in FleetReport.load(path).reports] == [renamed]


def test_report_knows_the_account_that_its_spec_omits(tmp_path):
    """If the account comes from the factory's connection, the report's own account distinguishes two reports."""
    spec, path = SPEC.model_copy(update={"account": None}), tmp_path / "fleet.jsonl"
    first, second = Account(id=ACCOUNT, name="pv1"), Account(id=f"{ACCOUNT}2", name="pv12")
    blob = Outcome(name="pv_blob", group_id="blob", resource_id=STORAGE, result="created")
    with Journal(path) as journal:
        for account in (first, second, second):
            journal.add(report(spec, account=account, outcomes=(blob,)))
    assert [each.account for each in FleetReport.load(path).reports] == [first, second]


@pytest.mark.parametrize("text", ["ligne\u2028suite", "a\u2029b", "a\x85b", "a\x0bb\x0cc\x1cd", "\r", "数据"])
def test_any_text_is_read_back_unchanged(tmp_path, text):
    """Only a line feed ends a line, so no character of a message splits it."""
    handed, path = report(hand_off=text), tmp_path / "fleet.jsonl"
    with Journal(path) as journal:
        journal.add(report(SPEC.model_copy(update={"factory": FACTORY + "2"})))
        journal.add(handed)
    assert FleetReport.load(path).reports[1] == handed


def test_lone_surrogate_from_azure_is_written(colour: Colour, emulator: Emulator, tmp_path):
    """A lone surrogate, which JSON can encode and UTF-8 cannot, breaks neither the run nor the journal."""
    [spec], path = fleet_of(emulator, 1), tmp_path / "fleet.jsonl"
    emulator.inject(Fault.status("PUT", 403, path="*purview_blob", message="no \ud800", code="X\udcff", times=None))
    made = colour.run(emulator, lambda client: client.create_many([spec], journal=path))
    assert made.counts == {"created": 3, "failed": 1}
    assert FleetReport.load(path).reports == made.reports
    assert "no ?" in made.model_dump_json()


class Speechless:
    """A credential whose error holds a file name that is not UTF-8."""

    def get_token(self, *_scopes: str, **_options: object):
        """Raise instead of returning a token."""
        raise ValueError("\udcff file not found")


def test_lone_surrogate_from_a_credential_is_written(emulator: Emulator, tmp_path):
    """A credential's error message is untrusted text like Azure's."""
    from purview_mpe import Client

    path = tmp_path / "fleet.jsonl"
    client = Client(Speechless(), transport=emulator.transport())
    made = client.create_many(fleet_of(emulator, 1), journal=path)
    assert "file not found" in made.outcomes[0].error.message
    assert made.outcomes[0].error.message.isprintable()
    assert FleetReport.load(path).reports == made.reports


def test_an_empty_file_holds_nothing(colour: Colour, emulator: Emulator, tmp_path):
    """A run that was killed before its first report leaves an empty file, from which the next run resumes."""
    path = tmp_path / "fleet.jsonl"
    path.touch()
    assert FleetReport.load(path) == FleetReport()
    specs = fleet_of(emulator, 1)
    assert colour.run(emulator, lambda client: client.create_many(specs, resume=path, journal=path)).complete


def test_same_call_starts_and_resumes_a_run(colour: Colour, emulator: Emulator, tmp_path):
    """With the same path for both, the first run starts without the file and the second has nothing left to do."""
    specs, path = fleet_of(emulator, 2), tmp_path / "fleet.jsonl"

    def line(client):
        return client.create_many(specs, resume=str(path), journal=path)

    first = colour.run(emulator, line)
    before = len(emulator.requests)
    assert colour.run(emulator, line).reports == first.reports
    assert len(emulator.requests) == before


def test_a_missing_file_to_resume_from_is_an_error(colour: Colour, emulator: Emulator, tmp_path):
    """A misspelt path must not count as a fleet without progress."""
    specs = fleet_of(emulator, 1)
    with pytest.raises(FileNotFoundError):
        colour.run(emulator, lambda client: client.create_many(specs, resume=tmp_path / "a", journal=tmp_path / "b"))
    assert emulator.requests == []


@pytest.mark.parametrize("cut", [1, 7, 100, -1])
def test_truncated_last_line_is_ignored(tmp_path, cut):
    """Wherever a crash cuts the last line, even inside a character, the lines before it are read."""
    path, last = tmp_path / "fleet.jsonl", report(SPEC.model_copy(update={"factory": FACTORY + "2"}), hand_off="ä")
    with Journal(path) as journal:
        journal.add(report())
    whole = last.model_dump_json().encode()
    middle = whole.index("ä".encode()) + 1
    for end in (cut % len(whole), middle):
        path.write_bytes(path.read_bytes() + whole[:end])
        assert FleetReport.load(path).reports == (report(),)
        with Journal(path) as journal:
            journal.add(report())
        assert FleetReport.load(path).reports == (report(),)


def test_truncated_only_line_counts_as_empty(tmp_path):
    """A journal with only an incomplete line counts as empty."""
    path = tmp_path / "fleet.jsonl"
    for content in (b'{"ve', b'{"verb":"create_all","spec":{"fac'):
        path.write_bytes(content)
        assert FleetReport.load(path) == FleetReport()
        with Journal(path) as journal:
            journal.add(report())
        assert FleetReport.load(path).reports == (report(),)


def test_complete_last_line_without_line_feed_is_read(tmp_path):
    """An editor that drops the last line feed loses no report, neither now nor with the next one appended."""
    path, other = tmp_path / "fleet.jsonl", report(SPEC.model_copy(update={"factory": FACTORY + "2"}))
    path.write_text(report().model_dump_json())
    assert FleetReport.load(path).reports == (report(),)
    with Journal(path) as journal:
        journal.add(other)
    assert FleetReport.load(path).reports == (report(), other)


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    """A journal saved by a Windows editor can be read and continued."""
    path = tmp_path / "fleet.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + report().model_dump_json().encode() + b"\r\n\r\n")
    assert FleetReport.load(path).reports == (report(),)
    with Journal(path) as journal:
        journal.add(report())
    assert FleetReport.load(path).reports == (report(),)


def test_a_wrong_line_is_named(tmp_path):
    """A complete line that is not a report is refused with its number; ignoring it would lose a factory."""
    path = tmp_path / "fleet.jsonl"
    line = report().model_dump_json()
    path.write_text(f"{line}\n{line[:50]}\n{line.replace('created', 'cretaed')}\n")
    with pytest.raises(InvalidSpec, match="line 2") as refused:
        FleetReport.load(path)
    assert len(refused.value.problems) == 1
    path.write_text(f"{line}\n{line.replace('created', 'cretaed')}\n")
    with pytest.raises(InvalidSpec, match=r"line 2, outcomes\.0\.result"):
        FleetReport.load(path)


def test_a_second_process_is_refused(colour: Colour, emulator: Emulator, tmp_path):
    """While one process writes a journal, another is refused before its first request; afterwards it is accepted."""
    specs, path = fleet_of(emulator, 1), tmp_path / "fleet.jsonl"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(InvalidSpec, match="is being written by another run"):
            colour.run(emulator, lambda client: client.create_many(specs, journal=path))
        assert emulator.requests == []
        holder.kill()
    assert colour.run(emulator, lambda client: client.create_many(specs, journal=path)).complete


def test_a_second_run_in_this_process_is_refused(tmp_path):
    """Two runs of one process would also overwrite each other's lines."""
    path = tmp_path / "fleet.jsonl"
    with Journal(path) as journal:
        with pytest.raises(InvalidSpec, match="another run"):
            Journal(path)
        FleetReport.load(path)  # reading neither takes nor releases the lock
        with pytest.raises(InvalidSpec, match="another run"):
            Journal(path)
        journal.add(report())
    Journal(path).close()


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch):
    """Without locks two runs could collide, so the file is refused with advice on another place."""
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InvalidSpec, match=r"cannot be locked \(Operation not supported\)(?s:.*)local disk"):
        Journal(tmp_path / "fleet.jsonl")


@pytest.mark.parametrize("content", ["factory,name\n/subscriptions/x,pv", '{"reports": []}', "[]", '{"specs": []'])
def test_another_kind_of_file_is_left_alone(tmp_path, content):
    """A fleet's own file, given as the journal by mistake, is refused and not changed."""
    path = tmp_path / "fleet.csv"
    path.write_text(content)
    with pytest.raises(InvalidSpec, match="holds something other"):
        Journal(path)
    assert path.read_text() == content


@pytest.mark.parametrize(("name", "rule"), [(".", "not a regular file"), ("none/fleet.jsonl", "cannot be written")])
def test_a_path_that_cannot_be_a_journal_is_refused(colour: Colour, emulator: Emulator, tmp_path, name, rule):
    """A folder, and a file in a folder that does not exist, are refused before the first request."""
    specs = fleet_of(emulator, 1)
    with pytest.raises(InvalidSpec, match=rule):
        colour.run(emulator, lambda client: client.create_many(specs, journal=tmp_path / name))
    assert emulator.requests == []


def test_a_full_disk_does_not_end_the_run(colour: Colour, tmp_path):
    """Every factory is processed and reported; a warning counts the missing reports, and the journal stays readable."""
    path = tmp_path / "fleet.jsonl"
    command = [sys.executable, "-c", FULL_DISK, colour.name, str(path)]
    # Coverage could not save its own file either, and its next report would warn of a broken one.
    ended = subprocess.run(command, env=unmeasured(), capture_output=True, text=True, check=True)
    heard, made = json.loads(ended.stdout)
    made = FleetReport.model_validate(made)
    assert made.counts == {"created": 16}
    assert [(verb, "File too large" in message) for kind, verb, message in heard if kind == "warning"] == [
        ("create_many", True)
    ]
    written = FleetReport.load(path).reports
    assert 0 < len(written) < 4
    [finding] = made.warnings
    assert (finding.code, finding.evidence) == ("journal-incomplete", ("File too large",))
    assert finding.message.startswith(f"{4 - len(written)} report")
    assert "could not be written to the journal" in str(made)


def test_unwritten_reports_are_written_once_the_disk_has_room(tmp_path):
    """Reports that could not be written follow with the next report, in their original order."""
    path, said = tmp_path / "fleet.jsonl", []
    reports = [report(SPEC.model_copy(update={"factory": f"{FACTORY}{number}"})) for number in range(4)]
    journal, disk = on_small_disk(path, len(reports[0].model_dump_json()) + 50, said)
    for each in reports[:3]:
        journal.add(each)
    assert FleetReport.load(path).reports == (reports[0],)
    assert len(said) == 1, "one sentence, however many reports wait"
    disk.room = 1_000_000
    journal.add(reports[3])
    assert FleetReport.load(path).reports == tuple(reports)
    assert (journal.warning, len(said)) == (None, 2)
    journal.close()


def test_closing_writes_the_remaining_reports(tmp_path):
    """Closing writes the last reports if the disk has room, and otherwise leaves no half line."""
    path, said = tmp_path / "fleet.jsonl", []
    journal, disk = on_small_disk(path, 50, said)
    journal.add(report())
    assert path.stat().st_size == 50
    journal.close()
    assert path.read_bytes() == b""
    journal, disk = on_small_disk(path, 50, said)
    journal.add(report())
    disk.room = 1_000_000
    journal.close()
    assert FleetReport.load(path).reports == (report(),)


def test_interrupted_write_leaves_one_line(tmp_path):
    """Ctrl-C between writing a line and recording it does not write the line twice."""
    path = tmp_path / "fleet.jsonl"
    journal = Journal(path)
    file = journal._file

    class Interrupted(Disk):
        def write(self, line: bytes) -> int:
            self._file.write(line)
            raise KeyboardInterrupt

    journal._file = Interrupted(file, 0)
    with pytest.raises(KeyboardInterrupt):
        journal.add(report())
    journal._file = file
    journal.close()
    assert path.read_bytes().count(b"\n") == 1
    assert FleetReport.load(path).reports == (report(),)


def test_file_is_unlocked_when_the_iterator_is_closed(emulator: Emulator, tmp_path):
    """Closing the iterator releases the lock, so the next run in the same process can open the file."""
    from purview_mpe import Client

    specs, path = fleet_of(emulator, 2), tmp_path / "fleet.jsonl"
    client = Client(emulator.credential, transport=emulator.transport())
    reports = client.iter_create_many(specs, journal=path)
    next(reports)
    reports.close()
    assert client.create_many(specs, resume=path, journal=path).complete

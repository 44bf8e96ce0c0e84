"""Files of fleets, journals and scenarios, and inputs of an orchestration."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from purview_mpe import FleetReport, Spec, errors, read_specs
from purview_mpe.durable import FleetRequest, create_one
from purview_mpe.emulator import Emulator

from .arguments import connected
from .bending import bent, bent_json, bent_text, odd_text, written
from .subject import called

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from .subject import Subject


_ODD_YAML = (
    "!!timestamp x",
    "2026-02-30",
    "!!bool x",
    "&a [*a]",
    "? [a]\n: b",
    "!!python/object:os.system x",
    "- !!int x",
)


def fleet_json(subject: Subject, random: Random) -> None:
    """A JSON file of specs, with or without defaults; a file that can be read is a fleet that can be created."""
    one = subject.documents["Spec"]
    two = one | {"factory": one["factory"] + "2"}
    document: Any = [one, two]
    if random.random() < 0.5:
        common = {key: value for key, value in one.items() if key != "factory"}
        document = {"defaults": common, "specs": [{"factory": one["factory"]}, two]}
    _use_fleet(random, _file(subject, "fleet.json", written(random, bent_json(random, document))))


def fleet_csv(subject: Subject, random: Random) -> None:
    """A CSV file of specs."""
    spec = subject.spec
    rows = [
        ["factory", "account", "name", "groups", "replace_broken", "names.blob", "separator"],
        [spec.factory, str(spec.account), "purview", "account blob", "TRUE", "lake", "-"],
        [spec.factory + "2", "", "purview", "", "false", "", ""],
    ]
    if random.random() < 0.7:
        row = random.choice(rows)
        row[random.randrange(len(row))] = odd_text(random)
    text = io.StringIO()
    csv.writer(text, delimiter=random.choice(",;\t")).writerows(rows)
    content = text.getvalue() if random.random() < 0.3 else bent_text(random, text.getvalue())
    _use_fleet(random, _file(subject, "fleet.csv", written(random, content)))


def journal(subject: Subject, random: Random) -> None:
    """A journal or report file that was edited or truncated: it is read, and the run resumes from it.

    A file that was readable before the run is readable afterwards, and holds every factory of the fleet.
    """
    if random.random() < 0.3:
        text = bent_json(random, subject.documents["FleetReport"])
    else:
        lines = subject.journal.splitlines(keepends=True)
        if random.random() < 0.5:
            at = random.randrange(len(lines))
            lines[at] = bent_json(random, json.loads(lines[at])) + "\n"
        text = "".join(lines)
        if random.random() < 0.4:
            text = bent_text(random, text)
        if random.random() < 0.3:
            text = text[: random.randrange(len(text) + 1)]
    path = _file(subject, "journal", written(random, text))
    is_journal = text.startswith('{"verb"')
    before = FleetReport.load(path)
    fleet = [subject.spec, subject.spec.model_copy(update={"factory": subject.spec.factory + "2"})]
    azure = Emulator(provisioning=1)
    azure.add_factory("df12")
    report = called(
        random,
        azure,
        lambda client: client.create_many(
            fleet, wait=False, resume=random.choice((path, str(path), before)), journal=path if is_journal else None
        ),
    )
    assert [one.spec.factory.casefold() for one in report.reports] == [one.factory.casefold() for one in fleet]
    if is_journal:
        # A crash leaves half a line at the end; complete lines must still be in the file.
        FleetReport.load(path)


def scenario(subject: Subject, random: Random) -> None:
    """A scenario, as a document or as a file."""
    if random.random() < 0.5:
        document = bent(random, subject.scenario)
        Emulator.from_scenario(document if isinstance(document, dict) else {"x": document})
        return
    name = random.choice(("scenario.json", "scenario.yaml"))
    text = bent_json(random, subject.scenario) if random.random() < 0.9 else random.choice(_ODD_YAML)
    Emulator.from_scenario(_file(subject, name, written(random, text)))


def fleet_request(subject: Subject, random: Random) -> None:
    """The input of an orchestration; a valid one is equal after a trip through JSON."""
    document = bent(random, subject.documents["FleetRequest"])
    request = FleetRequest.model_validate(document)
    assert FleetRequest.model_validate(json.loads(json.dumps(request.model_dump(mode="json")))) == request


def spec_elsewhere(subject: Subject, random: Random) -> None:
    """A spec that is sent to another process and created there."""
    report = create_one(bent(random, subject.documents["Spec"]), connected, wait=False)
    json.dumps(report)


def _use_fleet(random: Random, path: Path) -> None:
    specs = read_specs(path)
    assert specs
    assert all(isinstance(spec, Spec) for spec in specs)
    azure = Emulator(provisioning=1)
    verb = random.choice(("create_many", "approve_many", "status_many"))
    options: dict[str, Any] = {} if verb == "status_many" else {"wait": False}
    try:
        result = called(random, azure, lambda client: getattr(client, verb)(path, **options))
    except errors.InvalidSpec as refused:
        raise AssertionError(f"read, and then refused: {refused}") from refused
    assert len(result.factories if verb == "status_many" else result.reports) == len(specs)


def _file(subject: Subject, name: str, content: bytes) -> Path:
    path = subject.folder / name
    path.write_bytes(content)
    return path

"""Many factories at once: what the fleet verbs return, and which specs cannot be in one fleet."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import accumulate
from os import PathLike, fsencode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast, get_args

from pydantic import computed_field

from purview_mpe._model.arm_id import folded, same_id
from purview_mpe._model.journal import is_journal, numbered_lines
from purview_mpe._model.naming import LINEAGE_GROUPS
from purview_mpe._model.public import public
from purview_mpe._model.results import ErrorDetail, Finding, Outcome, Report, Status, Verdict, counts_of
from purview_mpe._model.spec import Noun, Spec
from purview_mpe.errors import InvalidSpec, ReportFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from purview_mpe._model.results import Subject, Unfinished, Verb

#: A message lists at most this many problems, then the number of the rest.
_SHOWN_PROBLEMS = 50
#: Characters of one problem: with place and indentation, it still fits into the text of an error.
_SHOWN_CHARACTERS = 12_000


@public("purview_mpe")
class FleetReport(Noun):
    """What a fleet verb did, factory by factory, even if it did not finish.

    `load` reads it back from a file, and `create_many(..., resume=...)` skips the reports in it that are complete.
    """

    reports: tuple[Report, ...] = ()
    """One report for each spec, in their order."""
    warnings: tuple[Finding, ...] = ()
    """Findings about the fleet as a whole; findings about one factory are in its report."""

    @computed_field  # type: ignore[prop-decorator]  # mypy has no notion of decorated properties
    @property
    def counts(self) -> dict[str, int]:
        """The number of outcomes with each result."""
        return counts_of(self.outcomes)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def succeeded(self) -> bool:
        """Whether every report succeeded."""
        return all(report.succeeded for report in self.reports)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def complete(self) -> bool:
        """Whether every report is complete."""
        return all(report.complete for report in self.reports)

    def __repr__(self) -> str:
        # The full repr could be a thousand reports; asyncio.run requests the repr of what it returns (measured).
        counted = ", ".join(f"{count} {result}" for result, count in self.counts.items())
        return f"<FleetReport of {len(self.reports)} factories: {counted or 'nothing'}>"

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes of all reports."""
        return tuple(outcome for report in self.reports for outcome in report.outcomes)

    @property
    def named_failures(self) -> tuple[tuple[str, Outcome], ...]:
        """The outcomes that kept the fleet from succeeding; the factory's name precedes each outcome's name."""
        return tuple(
            (f"{report.spec.factory_id.name}: {name}", outcome)
            for report in self.reports
            for name, outcome in report.named_failures
        )

    def raise_for_failures(self, *, hand_off_is_fine: bool = False) -> None:
        """Raise unless everything that you asked for is done; as `Report.raise_for_failures`, for every factory.

        Raises:
            ReportFailed: with everything that is not done, each with its remedy.
        """
        if any(self.unfinished(hand_off_is_fine=hand_off_is_fine)):
            raise ReportFailed(self, hand_off_is_fine=hand_off_is_fine)

    def unfinished(self, *, hand_off_is_fine: bool = False) -> Iterator[Unfinished]:
        """As `Report.unfinished`, with the factory's name in front of each name."""
        for report in self.reports:
            for each in report.unfinished(hand_off_is_fine=hand_off_is_fine):
                yield replace(each, name=f"{report.spec.factory_id.name}: {each.name}")

    @classmethod
    def load(cls, path: str | Path) -> FleetReport:
        """Read a report file: the output of `model_dump_json`, or a journal of `create_many`.

        A journal holds one report per line. Of several reports about one endpoint, the last one counts. A last line
        that was cut off, for example by a crash, is skipped. An empty file holds no report.

        Raises:
            InvalidSpec: the file is neither of these; the message names the wrong line.
            OSError: the file cannot be read.
        """
        content = path_of(path, "path").read_bytes()
        if not is_journal(content):
            return cls.model_validate_json(_text(content))
        return cls(reports=latest(_report_in(number, line) for number, line in numbered_lines(content)))


@public("purview_mpe")
class FoundSpecs(tuple[Spec, ...]):  # noqa: SLOT001 - its findings need a place
    """What `find_specs` found: a tuple of specs, with findings about the factories that no spec can name."""

    findings: tuple[Finding, ...]
    """One finding for each connected factory that was left out, with the reason."""

    def __new__(cls, specs: Iterable[Spec] = (), findings: Iterable[Finding] = ()) -> Self:
        found = super().__new__(cls, specs)
        found.findings = tuple(findings)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        # A tuple's own pickle holds only its items.
        return type(self), (tuple(self), self.findings)


@public("purview_mpe")
class FactoryStatus(Noun):
    """One factory's status, or why it could not be read."""

    spec: Spec
    """What was asked for."""
    status: Status | None = None
    """Both sides of the factory's endpoints; None if they could not be read."""
    error: ErrorDetail | None = None
    """Why they could not be read; None if they could."""


@public("purview_mpe")
class FleetStatus(Noun):
    """Both sides of every endpoint of many factories."""

    factories: tuple[FactoryStatus, ...] = ()
    """One entry for each spec, in the given order."""

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def ready(self) -> bool:
        """True if every factory could be read and is ready."""
        return all(factory.status is not None and factory.status.ready for factory in self.factories)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def counts(self) -> dict[str, int]:
        """The number of endpoints with each verdict, and of factories that could not be read."""
        counted: Counter[str] = Counter(
            endpoint.verdict for factory in self.factories if factory.status for endpoint in factory.status.endpoints
        )
        counted["unreadable"] = sum(factory.status is None for factory in self.factories)
        return {key: counted[key] for key in (*get_args(Verdict), "unreadable") if counted[key]}

    def __repr__(self) -> str:
        counted = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items())
        return f"<FleetStatus of {len(self.factories)} factories: {counted or 'nothing'}>"


def place_of(spec: Spec) -> tuple[str, str]:
    """The factory and managed virtual network of a spec: specs that share them can conflict."""
    return folded(spec.factory), spec.managed_virtual_network.casefold()


def latest(reports: Iterable[Report]) -> tuple[Report, ...]:
    """The reports, without those that a later report about one of their endpoints replaces.

    One factory can have several reports: one for each account, and one for each choice of group ids.
    """
    kept: dict[tuple[str, str], list[Report]] = {}
    for report in reports:
        others = kept.setdefault(place_of(report.spec), [])
        others[:] = [other for other in others if _shared_group(report, other) is None]
        others.append(report)
    return tuple(report for of_place in kept.values() for report in of_place)


def _shared_group(one: Spec | Report, other: Spec | Report) -> str | None:
    """The first group id for which both concern the same endpoint of one factory; None if there is none."""
    account, others_account = _account_of(one), _account_of(other)
    if account and others_account and not same_id(account, others_account):
        return None
    others = _groups_of(other)
    return next((group_id for group_id in _groups_of(one) if group_id in others), None)


def _account_of(subject: Spec | Report) -> str | None:
    """The id of the account; a report holds it even if its spec names no account."""
    if isinstance(subject, Spec):
        return subject.account
    return subject.spec.account or (subject.account.id if subject.account else None)


def _groups_of(subject: Spec | Report) -> tuple[str, ...]:
    spec = subject if isinstance(subject, Spec) else subject.spec
    return spec.groups or LINEAGE_GROUPS


def _report_in(number: int, line: bytes) -> Report:
    try:
        return Report.model_validate_json(line)
    except InvalidSpec as error:
        problems = [(f"line {number}, {field}", rule) for field, rule in error.problems]
    raise InvalidSpec("The journal", problems)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "not written in UTF-8"


def path_of(value: object, argument: str) -> Path:
    """The path, if it can name a file.

    Raises:
        InvalidSpec: the value is not a path, or holds characters that a path cannot hold.
    """
    if not isinstance(value, (str, PathLike)):
        problem = f"is a {type(value).__name__}; pass a path"
    else:
        path = Path(cast("str | PathLike[str]", value))
        try:
            if b"\0" not in fsencode(path):
                return path
        except ValueError:  # a lone surrogate
            pass
        problem = f"{str(path)!r} is not a path"
    raise InvalidSpec("The file", [(argument, problem)])


def checked_fleet(specs: Iterable[Any], places: Sequence[str] | None = None) -> tuple[Spec, ...]:
    """The specs, if they can form one fleet; `places` says where each was written.

    Raises:
        InvalidSpec: an item is not a spec, is given twice, or would create an endpoint that another one creates.
    """
    fleet = _several(specs, "specs")
    where = places or [f"specs[{index}]" for index in range(len(fleet))]
    problems = [
        (place, f"is a {type(spec).__name__}; pass a purview_mpe.Spec")
        for spec, place in zip(fleet, where, strict=True)
        if not isinstance(spec, Spec)
    ]
    if not problems:
        problems = list(_fights(fleet, where))
    refuse("The fleet", problems)
    return fleet


def checked_subjects(subjects: Iterable[Any]) -> tuple[Spec | Report, ...]:
    """The specs and reports to approve, if they can form one fleet.

    Raises:
        InvalidSpec: an item is neither, or two are about one endpoint.
    """
    given = _several(subjects, "specs or reports")
    problems = [
        (f"specs[{index}]", f"is a {type(subject).__name__}; pass a purview_mpe.Spec or Report")
        for index, subject in enumerate(given)
        if not isinstance(subject, (Spec, Report))
    ]
    refuse("The fleet", problems)
    refuse("The fleet", list(_claimed_twice(given)))
    return given


def _claimed_twice(subjects: Sequence[Spec | Report]) -> Iterable[tuple[str, str]]:
    """Subjects about the same endpoint. Equal names are allowed here, because each account has its own connections."""
    seen: dict[tuple[str, str], list[tuple[Spec | Report, int]]] = {}
    for index, subject in enumerate(subjects):
        earlier = seen.setdefault(place_of(subject if isinstance(subject, Spec) else subject.spec), [])
        for other, place in earlier:
            if subject == other:
                yield f"specs[{index}]", f"says the same as specs[{place}]; remove one of them"
            elif group_id := _shared_group(subject, other):
                problem = f"is about the endpoint for {group_id!r}, as specs[{place}] is; remove one of them"
                yield f"specs[{index}]", problem
        earlier.append((subject, index))


def _several(given: Iterable[Any], what: str) -> tuple[Any, ...]:
    """The items; a single spec or report is refused, because iterating over it would give its fields."""
    kind = type(given)
    if not hasattr(given, "__iter__") or issubclass(kind, Noun | dict):
        raise InvalidSpec("The fleet", [("specs", f"is a {kind.__name__}; pass a list of {what}, or a path")])
    return tuple(given)


def left_over(
    specs: Sequence[Spec],
    resume: FleetReport | None,
    *,
    approve: bool,
    subjects: Collection[Subject] = (),
    verbs: Collection[Verb] = ("create_all", "apply", "onboard"),
) -> tuple[list[tuple[int, Spec]], dict[int, Report]]:
    """The specs that still need work, each with its position, and the earlier reports that cover the rest.

    A report covers a spec if it is done and the spec has not changed. A report without approval does not cover a spec
    that is to be approved. A report must be of one of the `verbs`: one of a deletion does not say that anything was
    created. It must have an outcome for each of the `subjects`: a factory that only has endpoints is not onboarded yet.
    """
    earlier: dict[tuple[str, str], list[Report]] = {}
    for report in latest(resume.reports) if resume else ():
        earlier.setdefault(place_of(report.spec), []).append(report)
    kept: dict[int, Report] = {}
    todo: list[tuple[int, Spec]] = []
    for index, spec in enumerate(specs):
        found = next((one for one in reversed(earlier.get(place_of(spec), [])) if one.spec == spec), None)
        shown = {outcome.subject for outcome in found.outcomes} if found is not None else set[str]()
        is_enough = shown.issuperset(subjects) and found is not None and found.verb in verbs
        if found is not None and is_enough and found.is_done and (found.approval_asked or not approve):
            kept[index] = found
        else:
            todo.append((index, spec))
    return todo, kept


def refuse(what: str, problems: Sequence[tuple[str, str]]) -> None:
    """Raise `InvalidSpec` if there are problems; if there are very many, the message lists only the first ones."""
    if not problems:
        return
    different = list(dict.fromkeys(problems))  # a mistake in a file's defaults shows in each of its specs
    lengths = accumulate(len(place) + len(rule) for place, rule in different)
    fitting = sum(length <= _SHOWN_CHARACTERS for length in lengths)
    shown = different[: max(1, min(_SHOWN_PROBLEMS, fitting))]
    if len(different) > len(shown):
        shown.append(("…", f"and {len(different) - len(shown)} more"))
    raise InvalidSpec(what, shown)


def _fights(fleet: Sequence[Spec], where: Sequence[str]) -> Iterable[tuple[str, str]]:
    seen: dict[tuple[str, str], list[tuple[Spec, str]]] = {}
    for spec, place in zip(fleet, where, strict=True):
        earlier = seen.setdefault(place_of(spec), [])
        for other, other_place in earlier:
            if fight := _fight(spec, other):
                yield place, fight.format(other_place)
        earlier.append((spec, place))


def _fight(one: Spec, other: Spec) -> str | None:
    """Why two specs for one factory and managed virtual network conflict; `{}` stands for the place of the other."""
    if one.model_copy(update={"factory": other.factory}) == other:
        return "says the same as {}; remove one of them"
    if shared := _shared_group(one, other):
        unless = "" if one.account and other.account else ", unless they name different accounts"
        return f"would create the endpoint for {shared!r} that {{}} creates{unless}; keep one of them"
    names = {other.name_of(group_id).casefold() for group_id in _groups_of(other)}
    taken = [name for group_id in _groups_of(one) if (name := one.name_of(group_id)).casefold() in names]
    if taken:
        return f"wants the name {taken[0]!r} in the same factory as {{}}; choose another base name"
    return None

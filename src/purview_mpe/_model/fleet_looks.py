"""What the fleet verbs that only read return, apart from the status."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from pydantic import computed_field

from purview_mpe._model.checkup import Check
from purview_mpe._model.fleets import refuse
from purview_mpe._model.public import public
from purview_mpe._model.results import Action, ErrorDetail, Finding, Plan, Step
from purview_mpe._model.spec import Noun, Spec


@public("purview_mpe")
class FactoryPlan(Noun):
    """One factory's plan, or why there is none."""

    spec: Spec
    """What was asked for."""
    plan: Plan | None = None
    """What the factory needs; None if that could not be read."""
    error: ErrorDetail | None = None
    """Why the plan is missing; None if it is there."""


@public("purview_mpe")
class FleetPlan(Noun):
    """What many factories need to reach their accounts."""

    factories: tuple[FactoryPlan, ...] = ()
    """One entry for each spec, in the given order."""
    warnings: tuple[Finding, ...] = ()
    """Findings about the fleet as a whole, such as targets that are nearly full; the others are in the plans."""

    @computed_field  # type: ignore[prop-decorator]  # mypy has no notion of decorated properties
    @property
    def counts(self) -> dict[str, int]:
        """The number of steps with each action, and of factories that could not be read."""
        counted: Counter[str] = Counter(step.action for plan in self.plans for step in plan.steps)
        counted["unreadable"] = sum(factory.plan is None for factory in self.factories)
        return {key: counted[key] for key in (*get_args(Action), "unreadable") if counted[key]}

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans, in the order of the specs."""
        return tuple(factory.plan for factory in self.factories if factory.plan is not None)

    @property
    def conflicts(self) -> tuple[Step, ...]:
        """The steps because of which a factory's plan cannot be applied."""
        return tuple(step for plan in self.plans for step in plan.conflicts)

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that would write."""
        return tuple(step for plan in self.plans for step in plan.changes)

    def agreed(self) -> tuple[Plan, ...]:
        """The plan of every factory, for a run that carries them out.

        Raises:
            InvalidSpec: a factory could not be read when it was planned, or there is none.
        """
        problems = [
            (f"factories.{index}", f"has no plan: {one.spec.factory_id.name!r} could not be read; plan again")
            for index, one in enumerate(self.factories)
            if one.plan is None
        ]
        if not self.factories:
            problems.append(("factories", "holds no plan"))
        refuse("The plan of the fleet", problems)
        return self.plans

    @property
    def all_known(self) -> bool:
        """Whether every factory has a plan, and its account showed every endpoint that the spec wants."""
        return all(factory.plan is not None and factory.plan.all_known for factory in self.factories)

    def __repr__(self) -> str:
        counted = ", ".join(f"{count} {action}" for action, count in self.counts.items())
        return f"<FleetPlan of {len(self.factories)} factories: {counted or 'nothing'}>"


@public("purview_mpe")
class FactoryCheck(Noun):
    """One factory's check, or why it could not be read."""

    spec: Spec
    """What was asked for."""
    check: Check | None = None
    """Whether everything is in place; None if that could not be read."""
    error: ErrorDetail | None = None
    """Why it could not be read; None if it could."""


@public("purview_mpe")
class FleetCheck(Noun):
    """Whether everything is in place for many factories."""

    factories: tuple[FactoryCheck, ...] = ()
    """One entry for each spec, in the given order."""

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def ok(self) -> bool:
        """Whether every factory could be read, and no finding is an error."""
        return all(factory.check is not None and factory.check.ok for factory in self.factories)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def counts(self) -> dict[str, int]:
        """The number of factories that are ok, not ok, or could not be read."""
        states = ("ok", "not-ok", "unreadable")
        counted = Counter(
            "unreadable" if one.check is None else "ok" if one.check.ok else "not-ok" for one in self.factories
        )
        return {state: counted[state] for state in states if counted[state]}

    def __repr__(self) -> str:
        counted = ", ".join(f"{count} {state}" for state, count in self.counts.items())
        return f"<FleetCheck of {len(self.factories)} factories: {counted or 'nothing'}>"

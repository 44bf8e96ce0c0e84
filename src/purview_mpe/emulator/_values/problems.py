"""The reasons why an emulator cannot be made or served."""

from __future__ import annotations

from purview_mpe.emulator._values.public import public


@public
class MissingExtra(ImportError):
    """A package of the extra `emulator` is not installed; the message says how to install it."""


@public
class InvalidScenario(ValueError):
    """A scenario that cannot be used; the message has one line for each problem, with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the scenario cannot be used:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems

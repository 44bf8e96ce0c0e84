"""The documentation's page for each code, as Markdown: the site includes it, and `explain` prints it."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from purview_mpe import errors
from purview_mpe._model import words
from purview_mpe._rules.findings.catalogue import CATALOGUE
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from purview_mpe._rules.findings.kind import Kind

_SENTENCE = re.compile(r"(?<=[.)`])\s+(?=[A-Z`])")
_PYTHON = re.compile(r"(?:client|report|Spec)\.\w+(?:\([^)]*\))?|Spec\([^)]*\)|\b\w+\(spec\)|\b\w+_all\b(?!`)")


def finding_page(kind: Kind) -> str:
    """A finding's meaning, cause and remedy."""
    why, fix = kind.why or kind.cause, kind.fix or _with_code(kind.remedy)
    return f"{kind.meaning}\n\n**Cause:** {why}\n**Remedy:** {fix}\n"


_WORDS: Mapping[str, Mapping[str, words.Word]] = {
    "the action of a step": {str(state): word for state, word in words.ACTIONS.items()},
    "a result": {str(state): word for state, word in words.RESULTS.items()},
    "a verdict": {str(state): word for state, word in words.VERDICTS.items()},
}
#: The classes of errors by code, in the order of the tree.
ERRORS: Mapping[str, type[PurviewMpeError]] = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PurviewMpeError) and kind is not PurviewMpeError
}


def error_page(code: str) -> str:
    """An error's meaning and remedy: the docstring of its class, one sentence per line."""
    kind = ERRORS.get(code)
    text = errors.OUTCOME_CODES[code] if kind is None else inspect.cleandoc(kind.__doc__ or "")
    text, _, _ = text.partition("\n\nAttributes:")
    about, _, fix = text.partition("\n\nWhat to do: ")
    lines = [line for part in about.split("\n\n") for line in _SENTENCE.split(" ".join(part.split()))]
    return f"{_called(kind)}\n{chr(10).join(lines)}\n\n**Remedy:** {_with_code(' '.join(fix.split()))}\n"


def codes() -> dict[str, list[str]]:
    """All codes, with a heading for each kind."""
    findings: dict[str, list[str]] = {}
    for kind in CATALOGUE.values():
        findings.setdefault(f"Findings: {kind.link.casefold()}", []).append(kind.code)
    return {"Errors": [*ERRORS, *errors.OUTCOME_CODES], **findings}


def is_explained(code: str) -> bool:
    """Whether there is a page for a code."""
    return code in ERRORS or code in errors.OUTCOME_CODES or code in CATALOGUE


def explained(code: str) -> Iterator[tuple[str, str]]:
    """Heading and Markdown of each page for a code or a word; the same word can be a result and an error."""
    if code in ERRORS or code in errors.OUTCOME_CODES:
        yield f"{code}: an error", error_page(code)
    if code in CATALOGUE:
        kind = CATALOGUE[code]
        yield f"{code}: a finding ({kind.severity})", finding_page(kind)
    for what, table in _WORDS.items():
        if code in table:
            word = table[code]
            advice = f"\n\n**Remedy:** {word.advice}" if word.advice else ""
            yield f"{code}: {what}, shown as {word.mark.symbol}", f"{_sentence(word.meaning)}{advice}"
    for subject, meaning in words.SUBJECTS.items():
        if code == subject:
            yield f"{code}: what a step or an outcome is about", _sentence(meaning)


def _sentence(meaning: str) -> str:
    return f"{meaning[0].upper()}{meaning[1:]}."


def _called(kind: type[PurviewMpeError] | None) -> str:
    if kind is None:
        return "Only in reports: no exception has this code."
    also = [base.__name__ for base in kind.__bases__ if not issubclass(base, PurviewMpeError)]
    return f"In Python: `{kind.__name__}`, also a `{also[0]}`." if also else f"In Python: `{kind.__name__}`."


def _with_code(remedy: str) -> str:
    """A remedy with its Python marked as code."""
    return _PYTHON.sub(r"`\g<0>`", remedy)

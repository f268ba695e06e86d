"""Problems found in input: cause, place and remedy, collected so that a person sees all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ecopark.translation import translate

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in the input.

    `cause` and `remedy` are message ids (English, marked with `N_`) whose named fields are filled from `values`;
    `place` is where it stands, such as ``flows!D12`` or ``flows.csv line 12, amount``.
    """

    code: str
    place: str
    cause: str
    remedy: str
    values: dict[str, object] = field(default_factory=dict)
    severity: Severity = "error"

    def describe(self, language: str) -> tuple[str, str]:
        """Return cause and remedy as sentences in `language`."""
        return translate(self.cause, language, **self.values), translate(self.remedy, language, **self.values)

    def line(self, language: str) -> str:
        """Return place, cause and remedy as one line of text."""
        cause, remedy = self.describe(language)
        return f"{self.place}: {cause} {remedy}" if self.place else f"{cause} {remedy}"


class InputError(Exception):
    """Input that cannot be used; carries every `Problem` found, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(problem.line("en") for problem in self.problems))

"""Measurements of several sides, taken in turns so that what disturbs the machine disturbs all alike."""

import statistics
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
QUIET = 0.15  # where the middle half of the samples lies further apart than this part of the median, take more


@dataclass(frozen=True)
class Samples:
    """What one side took, run by run."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def least(self) -> float:
        """The smallest: what is left when nothing disturbs."""
        return min(self.values)

    @property
    def middle_half(self) -> tuple[float, float]:
        """Between which values the middle half lies; needs two samples."""
        low, _, high = statistics.quantiles(self.values, n=4)
        return low, high

    @property
    def spread(self) -> float:
        """How far apart the middle half lies, as a part of the median; 0 for fewer than four samples."""
        if len(self.values) < 4:
            return 0.0
        low, high = self.middle_half
        return (high - low) / self.median


def ratios(ours: Samples, theirs: Samples) -> Samples:
    """Return the ratio of each round: the two ran next to each other, in the same weather."""
    return Samples([mine / other for mine, other in zip(ours.values, theirs.values, strict=True)])


def in_turns(sides: Sequence[Key], sample: Callable[[Key], float], rounds: int, most: int) -> dict[Key, Samples]:
    """Sample each side once a round, another one first in each; beyond `rounds` only while it is noisy."""
    values: dict[Key, list[float]] = {side: [] for side in sides}
    for number in range(most):
        if number >= rounds and all(Samples(taken).spread <= QUIET for taken in values.values()):
            break
        first = number % len(sides)
        for side in (*sides[first:], *sides[:first]):
            values[side].append(sample(side))
    return {side: Samples(taken) for side, taken in values.items()}

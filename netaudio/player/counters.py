"""What the client's callback counts."""

from array import array
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

MAX_SPANS = 10_000

Mask = NDArray[np.bool_]


@dataclass
class Tally:
    """In frames. It only ever grows: what a part of a run counted is the difference of two readings."""

    played: int = 0
    streamed: int = 0
    uncovered: int = 0
    deferred: int = 0  # of the others: something sounds OFFSET later, by the rule of reach
    missing: int = 0
    concealed: int = 0  # of the missing: where what had sounded was continued and faded
    spans: list[list[int]] = field(default_factory=list)  # uncovered or deferred, [first, end)
    margins: "array[int]" = field(default_factory=lambda: array("q"))  # knit margins, one per note alive at its cut
    late: int = 0  # margins below 0

    def reading(self) -> "Tally":
        """What is counted so far, and stays so; of the spans the last."""
        return replace(self, spans=[[*span] for span in self.spans[-1:]], margins=self.margins[:])

    def since(self, then: "Tally") -> "Tally":
        """What was counted after an earlier reading."""
        over = then.spans[-1][1] if then.spans else 0
        return Tally(
            self.played - then.played,
            self.streamed - then.streamed,
            self.uncovered - then.uncovered,
            self.deferred - then.deferred,
            self.missing - then.missing,
            self.concealed - then.concealed,
            [[max(first, over), end] for first, end in self.spans if end > over],
            self.margins[len(then.margins) :],
            self.late - then.late,
        )

    def mark(self, first: int, uncovered: Mask, missing: Mask, deferred: Mask) -> None:
        self.uncovered += int(np.count_nonzero(uncovered))
        self.missing += int(np.count_nonzero(missing))
        self.deferred += int(np.count_nonzero(deferred & ~uncovered))
        edges = np.flatnonzero(np.diff(uncovered | deferred, prepend=False, append=False))
        for start, end in edges.reshape(-1, 2).tolist():
            self._span(first + start, first + end)

    def _span(self, first: int, end: int) -> None:
        if self.spans and self.spans[-1][1] == first:
            self.spans[-1][1] = end
        elif len(self.spans) < MAX_SPANS:
            self.spans.append([first, end])

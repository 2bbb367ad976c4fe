"""A table that is printed while it grows."""

from collections.abc import Mapping


class Rows:
    """Columns by name and width; the first stands to the left."""

    def __init__(self, columns: Mapping[str, int]) -> None:
        self._widths = list(columns.values())
        self.line(*columns)

    def line(self, *cells: object) -> None:
        """A row; None shows as a dash."""
        shown = ("-" if cell is None else str(cell) for cell in cells)
        name, *rest = (f"{cell:>{width}}" for cell, width in zip(shown, self._widths, strict=True))
        print("".join((name.strip().ljust(self._widths[0]), *rest)), flush=True)

"""What the player sees: plain lines."""

import sys


class Plain:
    """One line per thing worth saying."""

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing to restore."""

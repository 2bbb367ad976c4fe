"""A Python process of a test's own, and what it says."""

import queue
import subprocess
import sys
import threading
from typing import Any

from tests.support.programs import HOME, PATIENCE


class Child:
    """Runs code, whose lines can be waited for."""

    def __init__(self, code: str, *arguments: str, env: dict[str, str], **options: Any) -> None:
        """`options` are Popen's; it listens on its standard input unless they give it another."""
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=HOME,
            env=env,
            **{"stdin": subprocess.PIPE} | options,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def line(self) -> str:
        return self.lines.get(timeout=PATIENCE)

    def expect(self, *lines: str) -> None:
        assert [self.line() for _ in lines] == list(lines)

    def rest(self) -> list[str]:
        """All that it still says, to its end."""
        self._thread.join(PATIENCE)
        return list(self.lines.queue)

    def say(self, *lines: str) -> None:
        assert self.process.stdin
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        """Lets it end by itself: a killed client stalls the JACK server for seconds."""
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.wait()
        finally:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.wait()
        self._thread.join(PATIENCE)
        assert self.process.stdout
        self.process.stdout.close()

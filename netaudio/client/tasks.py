"""Coroutines that go on beside the one that began them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from netaudio.errors import NetAudioError


class Tasks:
    """An expected error ends one of them, and is said."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        for task in list(self._tasks):
            task.cancel()

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except NetAudioError as error:
            self._say(str(error))

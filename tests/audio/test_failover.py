"""The output that outlives its device: whose turn it is to render."""

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from netaudio.audio.failover import FailoverOutput, Turn
from netaudio.audio.output import Render
from tests.support.programs import PATIENCE

BLOCK, RATE = 128, 48000


class Renderer:
    """A render that counts frames, and can be held up."""

    def __init__(self) -> None:
        self.position = 0
        self.dry: list[bool] = []
        self.inside, self.leave = threading.Event(), threading.Event()
        self.leave.set()

    def __call__(self, out: NDArray[np.float32], now: float, xrun: bool) -> None:
        self.inside.set()
        assert self.leave.wait(PATIENCE)
        self.dry.append(xrun)
        self.position += len(out)
        out.fill(1)


def block(turn: Render, now: float = 0.0, xrun: bool = False) -> bool:
    """Has an output play a block; whether it sounded."""
    out = np.full((BLOCK, 2), 0.5, np.float32)
    turn(out, now, xrun)
    assert out.min() == out.max() != 0.5
    return bool(out[0, 0])


def test_an_output_takes_its_turn_with_its_first_block() -> None:
    renderer = Renderer()
    first = Turn(renderer, RATE)
    assert block(first, 1.0) and first.due == pytest.approx(1.0 + BLOCK / RATE)
    second = Turn(renderer, RATE, first)
    assert block(first)
    assert block(second) and not block(first) and block(second)
    assert renderer.position == 4 * BLOCK


def test_an_output_waits_for_the_last_block_of_the_former() -> None:
    renderer = Renderer()
    first = Turn(renderer, RATE)
    second = Turn(renderer, RATE, first)
    renderer.leave.clear()
    former = threading.Thread(target=block, args=(first,))
    former.start()
    assert renderer.inside.wait(PATIENCE)
    assert not block(second)
    renderer.leave.set()
    former.join(PATIENCE)
    assert block(second) and not block(first)
    assert renderer.position == 2 * BLOCK


def test_an_output_passes_on_that_it_ran_dry() -> None:
    renderer = Renderer()
    turn = Turn(renderer, RATE)
    assert all(block(turn, xrun=xrun) for xrun in (False, True, False))
    assert renderer.dry == [False, True, False]


def test_an_output_that_was_given_up_never_takes_its_turn() -> None:
    renderer = Renderer()
    first = Turn(renderer, RATE)
    given_up, third = Turn(renderer, RATE, first), Turn(renderer, RATE, first)
    assert block(third)
    given_up.over = True
    assert not block(given_up) and block(third)


def test_null_lasts_and_looks_for_nothing() -> None:
    renderer = Renderer()
    output = FailoverOutput("null", RATE, BLOCK, renderer)
    output.start()
    assert renderer.inside.wait(PATIENCE) and output.alive and (output.name, output.away) == ("null", False)
    output.stop()
    assert not output.alive and output.losses == 0

"""A picture of a piano: what sounds is lit, and below hangs how much of it was head and how much tail."""

import math
from functools import lru_cache
from typing import NamedTuple

from netaudio.inputs.key_layout import NOTE_KEYS
from netaudio.screen.styled_text import BOLD, DIM, LIT, PLAIN, Line, Marks, Piece, runs

Notes = tuple[tuple[int, float | None], ...]  # MIDI key, and which share of its sound was head; None: all
_BLACK = frozenset((1, 3, 6, 8, 10))
_RANGES = ((21, 108, 3), (21, 108, 2), (24, 96, 2), (36, 96, 2), (36, 84, 2), (48, 84, 2), (48, 72, 2))


class Keyboard(NamedTuple):
    """Keys `first` to `last` (both white), each with its columns."""

    first: int
    last: int
    columns: dict[int, range]
    width: int


@lru_cache
def keyboard(room: int) -> Keyboard:
    """The largest one in so many columns, or the smallest that there is."""
    boards = [_board(*row) for row in _RANGES]
    return next((board for board in boards if board.width <= room), boards[-1])


def _board(first: int, last: int, pitch: int) -> Keyboard:
    columns, at = {}, 0
    for key in range(first, last + 1):
        if key % 12 in _BLACK:
            columns[key] = range(at, at + 1)  # in place of the edge between two white ones
        else:
            columns[key] = range(at + 1, at + pitch)
            at += pitch
    return Keyboard(first, last, columns, at + 1)


def draw_piano(notes: Notes, octave: int | None, room: int, tall: bool, marks: Marks) -> list[Line]:
    """4 lines, or 7 tall ones, of at most `room` columns; the outermost two are for arrows to what lies outside."""
    board = keyboard(room - 2)
    upper, lower = _keys(board, notes, marks)
    bars = _bars(board, notes, 3 if tall else 1, marks)
    letters = {} if octave is None else dict(enumerate(NOTE_KEYS.upper(), 12 * (octave + 1)))
    names = _names(board, letters)
    for keys, style in ((letters, BOLD), (dict(notes), LIT)):
        if any(key < board.first for key in keys):
            names[0] = (marks.left, style)
        if any(key > board.last for key in keys):
            names[-1] = (marks.right, style)
    return [runs(row) for row in ([upper, upper] if tall else [upper]) + [lower, names, *bars]]


def _blank(board: Keyboard) -> list[Piece]:
    return [(" ", PLAIN)] * (board.width + 2)


def _keys(board: Keyboard, notes: Notes, marks: Marks) -> tuple[list[Piece], list[Piece]]:
    upper, lower = _blank(board), _blank(board)
    for column in (columns[0] - 1 for key, columns in board.columns.items() if key % 12 not in _BLACK):
        upper[column + 1] = lower[column + 1] = (marks.edge, DIM)
    upper[-2] = lower[-2] = (marks.edge, DIM)
    sounding = {key for key, _ in notes}
    for key, columns in board.columns.items():
        black, lit = key % 12 in _BLACK, key in sounding
        for column in columns:
            if black or lit:
                upper[column + 1] = (marks.full, LIT) if lit else (marks.black, DIM)
            if lit and not black:
                lower[column + 1] = (marks.full, LIT)
    return upper, lower


def _bars(board: Keyboard, notes: Notes, rows: int, marks: Marks) -> list[list[Piece]]:
    """Heads on top, of at least a row where there is any."""
    lines = [_blank(board) for _ in range(rows)]
    for key, share in notes:
        heads = rows if share is None else math.ceil(share * rows - 1e-9)
        for row, line in enumerate(lines):
            for column in board.columns.get(key, ()):
                line[column + 1] = (marks.full if row < heads else marks.tail, LIT)
    return lines


def _names(board: Keyboard, letters: dict[int, str]) -> list[Piece]:
    """C1, C2 and so on; the computer keys in place of theirs, where these are known."""
    line = _blank(board)
    for key, columns in board.columns.items():
        if key in letters:
            line[columns[0] + 1] = (letters[key], BOLD)
        elif key % 12 == 0:
            for column, letter in enumerate(f"C{key // 12 - 1}", columns[0] + 1):
                line[column] = (letter, DIM)
    return line

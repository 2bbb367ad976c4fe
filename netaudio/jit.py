"""Functions as machine code."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])
inlined: Callable[[F], F] = njit(forceinline=True, boundscheck=False, error_model="numpy")
"""Of functions that are compiled into whoever calls them."""


def machine_code(function: Callable[..., Any], signature: Any, keep: bool, **options: Any) -> Any:
    """A function compiled for a signature, which takes seconds, or, if numba may `keep` it, found where an earlier
    process kept it."""
    try:
        return njit(signature, cache=keep, **options)(function)
    except RuntimeError:  # there is no place to keep it
        return njit(signature, **options)(function)

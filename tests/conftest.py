import os

import pytest
from hypothesis import settings

from netaudio.compiler import prepare_kernel

settings.register_profile("shared", deadline=None)  # these machines may be busy
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "shared")


@pytest.fixture(scope="session", autouse=True)
def kernel() -> None:
    """As the programs have it, compiled once."""
    prepare_kernel("free", "held")

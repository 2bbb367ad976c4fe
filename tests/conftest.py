import os

import pytest
from hypothesis import settings

from netaudio.compiler import prepare
from netaudio.sampler import kernel
from netaudio.server.render_worker import COMPILED

settings.register_profile("shared", deadline=None)  # these machines may be busy
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "shared")


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """As the programs have it, compiled once."""
    prepare(kernel.held, *COMPILED)

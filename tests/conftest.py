import os

from hypothesis import settings

settings.register_profile("shared", deadline=None)  # these machines may be busy
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "shared")

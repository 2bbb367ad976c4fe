"""How fast and how exact NetAudio is: each module says what it prints, and what it needs."""

import importlib.util
import sys

if any(importlib.util.find_spec(name) is None for name in ("pytest", "matplotlib")):
    sys.exit("the benchmarks need some packages more: .venv/bin/pip install -r benchmarks/requirements.txt")

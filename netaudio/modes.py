"""Who plays a note."""

from typing import Literal

Mode = Literal["local", "remote", "hybrid"]
"""The client alone, the server alone, or both knit together."""

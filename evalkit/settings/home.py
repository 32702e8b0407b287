"""Where evalkit keeps what can be had again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_home() -> Path:
    """The user's cache folder for evalkit (``$XDG_CACHE_HOME/evalkit``)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "evalkit"

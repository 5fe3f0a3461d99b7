"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

# The same examples on every run, and no deadline: a shared machine may be slow.
hypothesis.settings.register_profile("isexplore", deadline=None, derandomize=True)
hypothesis.settings.load_profile("isexplore")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the folder of the repository."""
    return Path(__file__).parents[1]

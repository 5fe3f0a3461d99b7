"""What all tests share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same examples on every run, and no deadline: a shared machine may be slow.
hypothesis.settings.register_profile("isexplore", deadline=None, derandomize=True)
hypothesis.settings.load_profile("isexplore")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is computed apart from what the person who runs the tests has computed; subprocesses inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("caches")))
        yield


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the folder of the repository."""
    return Path(__file__).parents[1]

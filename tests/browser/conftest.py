"""One JupyterLab and one Chromium for all browser tests, and a fresh page for each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from lab import Lab, Visit, find_chromium, running_chromium, running_lab, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("jupyter")) as it:
        yield it


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        reason = "no Chromium on this machine (Debian's package is called chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with running_chromium(executable) as it:
        yield it


@pytest.fixture
def visit(browser: Browser, lab: Lab) -> Iterator[Visit]:
    with visiting(browser, lab) as it:
        yield it

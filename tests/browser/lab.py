"""A real JupyterLab on a free port, and a real Chromium that watches what the page says and where it goes."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Locator, Page, Request, WebSocket

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
_LOOPBACK = {"127.0.0.1", "localhost", "::1", ""}
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it listens, its token, the folder it serves, and the folder of its settings."""

    url: str
    token: str
    root: Path
    settings: Path


@dataclass
class Visit:
    """A page, with what went wrong on it."""

    page: Page
    lab: Lab
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def open(self, name: str, cells: Sequence[str] | None = None) -> Locator:
        """Open a notebook of the served folder, made of these cells if there are any; return its cells' outputs."""
        if cells is not None:
            _write_notebook(self.lab.root / name, cells)
        self.page.goto(f"{self.lab.url}/lab/tree/{name}?reset&token={self.lab.token}")
        self.page.get_by_role("menuitem", name="Run", exact=True).wait_for(timeout=60_000)
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
        self.ready(name)
        return self.page.locator(".jp-Notebook .jp-OutputArea-output")

    def ready(self, name: str) -> None:
        """Wait until the page is connected to an idle kernel: a run before that makes Lab ask for one."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            kernels = [session["kernel"] for session in _sessions(self.lab) if session["path"] == name]
            if any(kernel["execution_state"] == "idle" and kernel["connections"] > 0 for kernel in kernels):
                return
            self.page.wait_for_timeout(200)
        raise TimeoutError(f"no kernel for {name}")

    def run_all(self) -> None:
        """Run all cells through the menu, as a person does."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def theme(self, name: str) -> None:
        """Choose a theme through the menu."""
        self.page.get_by_role("menuitem", name="Settings", exact=True).click()
        for label in ("Theme", name):  # an item that opens another menu has no accessible name
            self.page.locator(".lm-Menu-itemLabel").get_by_text(label, exact=True).click()
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)

    def picture(self, name: str) -> None:
        """Keep a screenshot for people to look at."""
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")

    def check(self) -> None:
        """Fail if the console said an error, or anything was asked of another machine."""
        assert not self.errors, "\n".join(self.errors)
        assert not self.outside, "\n".join(self.outside)


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """Run a JupyterLab that serves `folder/lab` and keeps its own settings in `folder/home`."""
    root, home = folder / "lab", folder / "home"
    root.mkdir()
    token = secrets.token_hex(16)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"),
        *("--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    environment = os.environ | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    with (home / "lab.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=root, stdout=log, stderr=log)  # noqa: S603 - our own
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process, home / "lab.log")
        yield Lab(url, token, root, settings)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=30)


def find_chromium() -> str | None:
    """Return the program of this machine's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def running_chromium(executable: str) -> Iterator[Browser]:
    """Run a Chromium that asks nothing of the network by itself."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def visiting(browser: Browser, lab: Lab) -> Iterator[Visit]:
    """Open a page, in the light theme, that notes errors and requests to other machines."""
    (lab.settings / "themes.jupyterlab-settings").unlink(missing_ok=True)  # Lab keeps the last one that was chosen
    context = browser.new_context(viewport={"width": 1500, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(30_000)
    it = Visit(page, lab)

    def watch(asked: Request | WebSocket) -> None:
        url = urlsplit(asked.url)
        if url.scheme in ("http", "https", "ws", "wss") and url.hostname not in _LOOPBACK:
            it.outside.append(f"asked of another machine: {asked.url}")

    page.on("request", watch)
    page.on("websocket", watch)
    page.on(
        "console", lambda message: it.errors.append(f"console: {message.text}") if message.type == "error" else None
    )
    page.on("pageerror", lambda error: it.errors.append(f"page error: {error}"))
    try:
        yield it
    finally:
        context.close()
        for session in _sessions(lab):  # a kernel that is left running costs memory
            _ask(lab, f"sessions/{session['id']}", "DELETE")


def _sessions(lab: Lab) -> list[dict[str, Any]]:
    sessions: list[dict[str, Any]] = json.loads(_ask(lab, "sessions", "GET"))
    return sessions


def _ask(lab: Lab, what: str, method: str) -> bytes:
    request = urllib.request.Request(f"{lab.url}/api/{what}?token={lab.token}", method=method)  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - our own server
        answer: bytes = reply.read()
    return answer


def _write_notebook(path: Path, cells: Sequence[str]) -> None:
    code: dict[str, object] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    notebook = {
        "cells": [code | {"id": f"cell-{i}", "source": cell} for i, cell in enumerate(cells)],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook))


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/api", timeout=5):  # noqa: S310 - our own server
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')}")

"""The packaged notebooks, put where a person can edit them, in a JupyterLab that asks nothing of other machines."""

from __future__ import annotations

import filecmp
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

__all__ = ["copy_notebooks", "open_lab"]

_LAB_PACKAGES = ("jupyterlab", "ipywidgets", "anywidget", "plotly")
_ROOT_OPTIONS = {"--notebook-dir", "--ServerApp.root_dir"}


def open_lab(arguments: list[str], folder: Path | None) -> None:
    """Copy the notebooks and run JupyterLab on one of them until it ends.

    Parameters
    ----------
    arguments : list of str
        The name of a packaged notebook or the path of another, perhaps, and options of JupyterLab.
    folder : Path or None
        Where the notebooks are copied to; by default ``isexplore-notebooks`` under the current folder.

    Raises
    ------
    ModuleNotFoundError
        If JupyterLab or a package that the widgets need is not installed.
    FileNotFoundError
        If there is no such notebook.
    OSError
        If the folder can't be written.

    Examples
    --------
    >>> open_lab(["missing.ipynb"], None)
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no notebook missing.ipynb; packaged are: explore.ipynb, ...
    """
    missing = [name for name in _LAB_PACKAGES if not _is_installed(name)]
    if missing:
        raise ModuleNotFoundError(f'not installed: {", ".join(missing)}: pip install "isexplore[lab]"')
    name, others = _take_notebook(arguments)
    packaged = sorted(notebook.name for notebook in _packaged_notebooks().glob("*.ipynb"))
    if name in packaged:
        folder = folder or Path("isexplore-notebooks")
        notebook = folder / name
    else:
        notebook = Path(name)
        if notebook.suffix != ".ipynb" or not notebook.is_file():
            raise FileNotFoundError(f"there is no notebook {name}; packaged are: {', '.join(packaged)}")
    if folder is not None:
        for kept in copy_notebooks(folder):
            sys.stderr.write(f"kept {kept}, which differs from the packaged one\n")

    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(_lab_arguments(notebook.absolute(), others))


def _take_notebook(arguments: list[str]) -> tuple[str, list[str]]:
    """Find NOTEBOOK among the arguments that are not ours: the first, unless it is an option, or what ends in .ipynb.

    Examples
    --------
    >>> _take_notebook(["--port", "9999"])
    ('explore.ipynb', ['--port', '9999'])
    >>> _take_notebook(["--no-browser", "mine.ipynb"])
    ('mine.ipynb', ['--no-browser'])
    """
    for i, argument in enumerate(arguments):
        if not argument.startswith("-") and (i == 0 or argument.endswith(".ipynb")):
            return argument, arguments[:i] + arguments[i + 1 :]
    return "explore.ipynb", arguments


def _lab_arguments(notebook: Path, others: list[str]) -> list[str]:
    """Return the arguments for jupyter lab: what `others` leave open is decided here; the token stays as it is."""
    given = {other.split("=")[0] for other in others}
    if given & _ROOT_OPTIONS:
        start = [str(notebook)]  # Jupyter works out where it lies below the given root
    else:  # unlike a file to run, a default address is also the one that is printed for people without a browser
        start = [f"--ServerApp.root_dir={notebook.parent}", f"--LabApp.default_url=/lab/tree/{quote(notebook.name)}"]
    start.append("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")  # no request leaves the machine
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        start.append("--allow-root")
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        start.append("--no-browser")
    return [option for option in start if option.split("=")[0] not in given] + others


def copy_notebooks(folder: Path) -> list[Path]:
    """Copy the packaged notebooks to a folder, which is made if need be; a file that exists is never touched.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
        The files that were there already and differ from the packaged ones.

    Raises
    ------
    OSError
        If the folder can't be made or written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     copy_notebooks(Path(folder))
    ...     (Path(folder) / "explore.ipynb").is_file()
    []
    True
    """
    kept = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for original in sorted(_packaged_notebooks().iterdir()):
            copy = folder / original.name
            if original.is_dir() or original.name.startswith("."):
                continue
            if not copy.exists():
                _copy_whole(original, copy)
            if not filecmp.cmp(original, copy, shallow=False):
                kept.append(copy)
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror
        raise OSError(f"cannot put the notebooks into {folder}: {reason}; name another folder with --dir") from error
    return kept


def _copy_whole(original: Path, copy: Path) -> None:
    """Copy a file under a temporary name first: half a notebook would count as edited, and be kept for ever."""
    temporary = copy.with_name(f".isexplore-{uuid4().hex}.part")
    try:
        shutil.copyfile(original, temporary)
        if not copy.exists():  # somebody may have been faster
            temporary.rename(copy)
    finally:
        temporary.unlink(missing_ok=True)


def _packaged_notebooks() -> Path:
    """Return the folder with the notebooks: in the package when installed, beside it in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / "explore.ipynb").is_file():
            return folder
    raise FileNotFoundError("the notebooks are missing from this installation; install isexplore again")


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ImportError:
        return False

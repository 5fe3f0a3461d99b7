"""A report as one self-contained page: it opens without a kernel and without a network, and stays interactive."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isexplore.report.page_data import page_data
from isexplore.report.rows import rows_of
from isexplore.tensor_files import expand_home
from isexplore.whole_files import writing_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isexplore.report.report import Report

__all__ = ["checked_page", "page_of", "write_page"]

_HERE = Path(__file__).parent
# The page is one more view: it draws with the same helpers and in the same colours as the widgets do.
_VIEWS = _HERE.parent / "widgets"
_SCRIPTS = ("page_state.js", "page_plots.js", "page.js")
_PACKAGES = ("isexplore", "numpy", "scipy", "scikit-learn", "torch", "plotly")
_ORIGINS = ("source", "classifier", "preprocessing", "device", "precision", "weights_sha256", "created")


def checked_page(path: str | os.PathLike[str]) -> Path:
    """Return the path of a page that can be written, as far as one can tell beforehand.

    Raises
    ------
    ModuleNotFoundError
        If there is no plotly.
    ValueError
        If the path does not end in .html.
    OSError
        If the folder does not exist or is not to be written, or the path is a folder.

    Examples
    --------
    >>> checked_page("report.txt")
    Traceback (most recent call last):
    ValueError: cannot save report.txt: the name of a page must end in .html
    """
    target = expand_home(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"cannot save {target}: the name of a page must end in .html")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot save {target}: the folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(f"cannot save {target}: nothing may be written into the folder {target.parent}")
    if target.is_dir():
        raise IsADirectoryError(f"cannot save {target}: it is a folder")
    try:
        import plotly  # noqa: F401 - to know it before the work
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('a page needs plotly: pip install "isexplore[lab]"', name="plotly") from error
    return target


def write_page(
    path: str | os.PathLike[str],
    title: str,
    verdict: str,
    reports: Mapping[str, Report],
) -> None:
    """Write the page of some reports, whole or not at all.

    Parameters
    ----------
    path : path-like
    title, verdict : str
        What the page is of, and what was found, in words.
    reports : mapping of str to Report
        By the sets' names; at least one, and all against the same reference.

    Raises
    ------
    ModuleNotFoundError, ValueError, OSError
        As `checked_page`, and if the file can't be written.

    Examples
    --------
    >>> import isexplore as ix
    >>> from tempfile import TemporaryDirectory
    >>> report = ix.diagnose(ix.Predictions.from_probabilities([[0.9, 0.1], [0.2, 0.8]]))
    >>> with TemporaryDirectory() as folder:
    ...     write_page(f"{folder}/page.html", "Two images", "nothing is wrong", {"two": report})
    ...     print([path.name for path in Path(folder).iterdir()])
    ['page.html']
    """
    target = checked_page(path)
    text = page_of(title, verdict, reports)
    with writing_whole(target) as stream:
        stream.write(text.encode(errors="replace"))


def page_of(title: str, verdict: str, reports: Mapping[str, Report]) -> str:
    """Return the page of some reports: HTML, with every name escaped."""
    import jinja2
    from plotly.offline import get_plotlyjs

    room = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    room.policies["json.dumps_kwargs"] = {"allow_nan": False}
    views = _texts(_VIEWS / "runtime.js", *(_HERE / name for name in _SCRIPTS))
    plotly, script = get_plotlyjs(), f"const loadPlotly = () => globalThis.Plotly;\n{views}"
    return room.get_template("page.html.jinja").render(
        title=title,
        verdict=verdict,
        made=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        data=page_data(reports),
        rows=[{"set": name} | row for name, report in reports.items() for row in rows_of(report)],
        origins=_origins(reports),
        seed=next(iter(reports.values())).evidence.seed,
        versions=_versions(),
        styles=_texts(_VIEWS / "explorer.css", _HERE / "page.css"),
        plotly=plotly,
        script=script,
        script_hashes=" ".join(map(_hash_of, (plotly, script))),
    )


def _hash_of(script: str) -> str:
    """Return what a content security policy calls a script that may run: its SHA-256, as the browser reads it."""
    read = script.replace("\r\n", "\n").replace("\r", "\n")
    return f"'sha256-{base64.b64encode(hashlib.sha256(read.encode()).digest()).decode()}'"


def _texts(*paths: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def _origins(reports: Mapping[str, Report]) -> list[dict[str, Any]]:
    """Say where each set comes from; the reference last."""
    reference = next(iter(reports.values())).evidence.reference
    sides = {name: report.evidence.sample for name, report in reports.items()}
    if reference is not None:
        sides |= {"(reference)": reference}
    return [
        {"set": name, "images": side.n_images, "skipped": len(side.predictions.provenance.skipped)}
        | {origin: getattr(side.predictions.provenance, origin) or "" for origin in _ORIGINS}
        | {"versions": ", ".join(" ".join(pair) for pair in side.predictions.provenance.versions.items())}
        for name, side in sides.items()
    ]


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found

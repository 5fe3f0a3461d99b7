"""A report as one self-contained page: it opens without a kernel and without a network, and stays interactive."""

from __future__ import annotations

import datetime as dt
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from isexplore.report.page_data import page_data
from isexplore.report.rows import rows_of
from isexplore.tensor_files import expand_home

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
        If the folder does not exist, or the path is one.

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
    since: Mapping[str, str | None],
) -> None:
    """Write the page of some reports, whole or not at all.

    Parameters
    ----------
    path : path-like
    title, verdict : str
        What the page is of, and what was found, in words.
    reports : mapping of str to Report
    since : mapping of str to (str or None)
        See `isexplore.report.page_data.page_data`.

    Raises
    ------
    ModuleNotFoundError, ValueError, OSError
        As `checked_page`, and if the file can't be written.
    """
    target = checked_page(path)
    text = page_of(title, verdict, reports, since)
    temporary = target.with_name(f".isexplore-{uuid4().hex}.part")
    try:
        with temporary.open("x", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())  # else a power cut could leave the name on an incomplete file
        temporary.replace(target)
    except OSError as error:  # such as a full disk
        raise OSError(f"cannot save {target}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def page_of(title: str, verdict: str, reports: Mapping[str, Report], since: Mapping[str, str | None]) -> str:
    """Return the page of some reports: HTML, with every name escaped."""
    import jinja2
    from plotly.offline import get_plotlyjs

    room = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    room.policies["json.dumps_kwargs"] = {"allow_nan": False}
    return room.get_template("page.html.jinja").render(
        title=title,
        verdict=verdict,
        made=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        data=page_data(reports, since),
        rows=[{"set": name} | row for name, report in reports.items() for row in rows_of(report)],
        origins=_origins(reports),
        seed=next(iter(reports.values())).evidence.seed,
        versions=_versions(),
        styles=_texts(_VIEWS / "explorer.css", _HERE / "page.css"),
        plotly=get_plotlyjs(),
        script=_texts(_VIEWS / "runtime.js", *(_HERE / name for name in _SCRIPTS)),
    )


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

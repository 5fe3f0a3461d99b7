"""The package as people get it: light to import, whole in a wheel, the same for pip and conda."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import isexplore

if TYPE_CHECKING:
    from pathlib import Path

PEERS = ("piq", "prdc", "pytorch-ignite", "torch-fidelity", "torchmetrics")
CONDA_NAMES = {"torch": "pytorch", "build": "python-build", "playwright": "playwright-python"}


def python(code: str, *arguments: str, **options: Any) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options)  # noqa: S603
    return str(result.stdout)


@pytest.fixture(scope="module")
def project(checkout: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    return table


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(checkout)]
    subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site-packages")
    options = ["--no-deps", "--no-index", "--no-compile", "--target", str(target)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *options, str(wheel)]
    subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603
    return target


def test_import_is_light() -> None:
    code = "import isexplore, sys; dir(isexplore); print(*{name.partition('.')[0] for name in sys.modules})"
    computing = {"torch", "numpy", "scipy", "sklearn", "pandas", "PIL", "tqdm", "jinja2"}
    heavy = computing | {"plotly", "ipywidgets", "anywidget", "traitlets"}
    assert heavy.isdisjoint(python(code).split())


@pytest.mark.parametrize("name", isexplore.__all__)
def test_every_public_name_resolves_and_is_listed(name: str) -> None:
    assert getattr(isexplore, name) is not None
    assert name in dir(isexplore)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'exlpore'"):
        isexplore.exlpore  # type: ignore[attr-defined]  # noqa: B018


def test_explore_without_the_lab_packages_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "sys.modules['anywidget'] = sys.modules['ipywidgets'] = None\n"
        "import isexplore\n"
        "try: isexplore.explore\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    assert re.search(r'isexplore.explore needs \w+: pip install "isexplore\[lab\]"', python(code))


def test_wheel_holds_everything(wheel: Path, checkout: Path) -> None:
    files = set(zipfile.ZipFile(wheel).namelist())
    notebooks = {f"isexplore/notebooks/{file.name}" for file in (checkout / "notebooks").glob("*.ipynb")}
    package = checkout / "isexplore"
    data = {
        str(file.relative_to(checkout).as_posix())
        for pattern in ("demo/data/*", "widgets/*.js", "widgets/*.css", "py.typed", "**/*.py")
        for file in package.glob(pattern)
    }
    assert "isexplore/notebooks/explore.ipynb" in notebooks
    assert {"isexplore/py.typed", "isexplore/demo/data/ATTRIBUTION.md"} <= data
    assert notebooks | data <= files
    licenses = {name.partition(".dist-info/licenses/")[2] for name in files}
    assert {"LICENSE", "isexplore/demo/data/ATTRIBUTION.md"} <= licenses


def test_wheel_holds_nothing_else(wheel: Path) -> None:
    folders = {name.split("/")[0].partition("-")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert folders == {"isexplore"}


def test_notebooks_are_found_when_installed(installed: Path, checkout: Path, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, isexplore.lab\n"
        "assert isexplore.__file__.startswith(sys.argv[1]), isexplore.__file__\n"
        "print(isexplore.lab.copy_notebooks(pathlib.Path('new', 'folder')), isexplore.__version__)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    version = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["version"]
    assert python(code, str(installed), cwd=tmp_path, env=environment) == f"[] {version}\n"
    copied = {file.name: file.read_bytes() for file in (tmp_path / "new" / "folder").iterdir()}
    assert copied == {file.name: file.read_bytes() for file in (checkout / "notebooks").glob("*.ipynb")}


def test_conda_environment_is_in_step(project: dict[str, Any], checkout: Path) -> None:
    environment = yaml.safe_load((checkout / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(line for extra in extras.values() for line in extra)]
    assert environment["channels"] == ["conda-forge"]
    peers = [line for line in wanted if line.startswith(PEERS)]
    assert pip == {"pip": ["-e .", *peers]}
    assert set(conda) == {
        f"python{project['requires-python']}",
        "pip",
        *(conda_name(line) for line in wanted if not line.startswith("isexplore[") and line not in peers),
    }


def conda_name(requirement: str) -> str:
    name, at_least, version = requirement.partition(">=")
    return CONDA_NAMES.get(name, name) + at_least + version


def test_test_extra_installs_every_other_extra(project: dict[str, Any]) -> None:
    extras = project["optional-dependencies"]
    assert f"isexplore[{','.join(name for name in extras if name != 'test')}]" in extras["test"]

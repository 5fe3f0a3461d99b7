"""What people are told about the weights on this machine."""

from __future__ import annotations

from isexplore.classifiers.digests import stated_digits, verify_weights
from isexplore.classifiers.weights import PUBLISHED, find_weights, places


def weights_report() -> list[str]:
    """Say in lines which weights are here, and where they are looked for.

    Examples
    --------
    >>> weights_report()[2]
    'looked for in:'
    """
    lines = []
    for name, published in PUBLISHED.items():
        found = find_weights(name)
        lines.append(f"{name}: {found or f'not here ({published.file})'}")
    return [*lines, "looked for in:", *(f"  {place}: {path}" for place, path in places().items())]


def weights_state(name: str) -> str:
    """Say in a few words whether the weights of a classifier are here.

    Examples
    --------
    >>> weights_state("digits")
    'comes with isexplore'
    """
    if name not in PUBLISHED:
        return "comes with isexplore"
    try:
        found = find_weights(name)
    except OSError as error:  # no home folder
        return str(error)
    return "its weights are here" if found else "its weights have to be downloaded first (100 MB)"


def verification_report() -> tuple[list[str], bool]:
    """Check every file of weights that is here; return what to say in lines, and whether all are sound."""
    lines, sound = [], True
    for name in PUBLISHED:
        path = find_weights(name)
        if path is None:
            lines.append(f"{name}: not here")
            continue
        try:
            digest = verify_weights(path)
        except (OSError, ValueError) as error:
            lines.append(f"{name}: {error}")
            sound = False
        else:
            known = (
                "as its name says in eight digits" if stated_digits(path) else "its name says no digits to compare with"
            )
            lines.append(f"{name}: {path}, SHA-256 {digest}, {known}")
    return lines, sound

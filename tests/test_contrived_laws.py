"""How many images show one class: the laws against SciPy's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from isexplore.contrived.laws import Law, binomial, hypergeometric


def check(law: Law, theirs: np.ndarray, mean: float) -> None:
    np.testing.assert_allclose(law.probabilities, theirs, rtol=1e-9, atol=1e-15)
    assert law.probabilities.sum() == pytest.approx(1, abs=1e-14)
    assert law.counts @ law.probabilities == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize(("images", "classes"), [(1, 2), (5, 10), (5000, 1000), (50_000, 2), (50_000, 1000)])
def test_the_binomial_law(images: int, classes: int) -> None:
    law = binomial(images, classes)
    check(law, binom(images, 1 / classes).pmf(law.counts), images / classes)


@given(st.data())
def test_the_hypergeometric_law(data: st.DataObject) -> None:
    of = data.draw(st.integers(2, 100_000), label="of")
    per_class = data.draw(st.integers(1, of), label="per class")
    images = data.draw(st.integers(1, of), label="images")
    law = hypergeometric(images, of, per_class)
    check(law, hypergeom(of, per_class, images).pmf(law.counts), images * per_class / of)

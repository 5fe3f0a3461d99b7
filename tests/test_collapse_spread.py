"""Spread within classes: scipy's own test in one dimension, thinned classes by name, and how often it fires."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isexplore.collapse.bins import check_bins, z_test
from isexplore.collapse.evidence import Evidence, Side, side_of
from isexplore.collapse.spread import check_spread, to_centroids
from isexplore.predictions import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.collapse.finding import Finding


def side(embeddings: NDArray[np.floating], classes: NDArray[np.intp]) -> Side:
    return side_of(
        Predictions.from_probabilities(np.eye(4)[classes], class_names=["ant", "bee", "cat", "dog"]), embeddings
    )


def cloud(rng: np.random.Generator, n: int, widths: list[float]) -> Side:
    """Draw n images of each of four classes: skewed clouds far from each other, of these widths."""
    classes = np.repeat(np.arange(4), n)
    skewed = rng.gamma(2, size=(4 * n, 6)) ** 1.5
    return side(20 * classes[:, None] + np.array(widths)[classes, None] * skewed, classes)


def spread(sample: Side, reference: Side) -> Finding:
    (finding,) = check_spread(Evidence(sample, reference))
    return finding


# Findings ------------------------------------------------------------------------------------------------------------


def test_a_narrow_class_is_named() -> None:
    rng = np.random.default_rng(0)
    sample = cloud(rng, 100, [1, 0.6, 1, 0.4])
    finding = spread(sample, cloud(rng, 150, [1, 1, 1, 1]))
    assert (finding.severity, finding.classes.tolist()) == ("severe", [3, 1])
    assert finding.value == pytest.approx(0.4, abs=0.1)
    assert "2 of 4 classes are narrower than in the reference" in finding.sentence
    assert "the centroid – dog: 0." in finding.sentence
    assert sorted(finding.images) == [*range(100, 200), *range(300, 400)]
    assert finding.images[0] >= 300  # the worst class first, and in it the image next to the centroid
    assert sample.embeddings is not None
    assert finding.images[0] == 300 + np.argmin(to_centroids(sample.embeddings, sample.top_class).distances[300:])


def test_a_slightly_narrow_class_is_a_warning_and_a_wider_one_is_fine() -> None:
    rng = np.random.default_rng(0)
    assert spread(cloud(rng, 300, [1, 1, 1, 0.75]), cloud(rng, 300, [1, 1, 1, 1])).severity == "warning"
    assert spread(cloud(rng, 300, [1, 1, 1, 3]), cloud(rng, 300, [1, 1, 1, 1])).severity == "fine"


def test_classes_of_one_image_are_severe_and_the_same_ones_are_fine() -> None:
    """Copies have no variance at all, or one of rounding."""
    classes = np.repeat(np.arange(4), 50)
    copies = side(np.float16(0.1) * np.eye(4, 6, dtype=np.float16)[classes], classes)
    finding = spread(copies, cloud(np.random.default_rng(0), 50, [1, 1, 1, 1]))
    assert finding.value == pytest.approx(0, abs=1e-9)
    assert (finding.severity, len(finding.classes)) == ("severe", 4)
    assert spread(copies, copies).severity == "fine"


def test_classes_with_few_images_are_left_out() -> None:
    rng = np.random.default_rng(0)
    few = spread(cloud(rng, 19, [0] * 4), cloud(rng, 99, [1] * 4))
    assert (few.severity, few.value, few.p_value) == ("fine", 19, None)
    assert few.sentence.endswith("it takes 20 images of a class in both sets, and no class has more than 19.")
    one = side(rng.normal(size=(50, 6)), np.full(50, 2))
    assert len(list(check_spread(Evidence(one, cloud(rng, 99, [1] * 4))))) == 1


def test_nothing_is_said_without_a_reference_or_embeddings() -> None:
    rng = np.random.default_rng(0)
    sample, silent = cloud(rng, 30, [1] * 4), side_of(Predictions.from_probabilities(np.eye(4)))
    for evidence in (Evidence(sample), Evidence(sample, silent), Evidence(silent, sample)):
        assert list(check_spread(evidence)) == []


# Against closed forms and simulation ---------------------------------------------------------------------------------


def test_distances_and_influences_against_leaving_each_image_out() -> None:
    """The influence on a mean is (n − 1) times what leaving the image out takes away: the jackknife."""
    rows = np.random.default_rng(0).normal(size=(400, 3)) ** 3
    found = to_centroids(rows, np.zeros(400, np.intp))

    def mean_distance(kept: NDArray[np.floating]) -> float:
        return float(np.linalg.norm(kept - kept.mean(axis=0), axis=1).mean())

    np.testing.assert_allclose(found.distances.mean(), mean_distance(rows), rtol=1e-12)
    pseudo = np.array([400 * mean_distance(rows) - 399 * mean_distance(np.delete(rows, i, axis=0)) for i in range(400)])
    assert np.corrcoef(pseudo, found.influence)[0, 1] > 0.999
    assert np.std(pseudo) == pytest.approx(np.std(found.influence), rel=0.02)


def test_reading_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows, group = rng.normal(size=(50, 7)).astype(np.float16), rng.integers(0, 3, 50)
    whole = to_centroids(rows, group)
    monkeypatch.setattr("isexplore.collapse.neighbours._TOGETHER", 21)
    blocks = to_centroids(rows, group)
    np.testing.assert_allclose(whole.distances, blocks.distances, rtol=1e-12)
    np.testing.assert_allclose(whole.influence, blocks.influence, rtol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(20, 20), (20, 100), (100, 20)])
def test_two_sets_of_one_law_fire_no_more_often_than_stated(n: int, m: int) -> None:
    rng = np.random.default_rng(0)
    p = [spread(cloud(rng, n, [1] * 4), cloud(rng, m, [1] * 4)).p_value or 0 for _ in range(300)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


# Bins ----------------------------------------------------------------------------------------------------------------


def test_bins_that_differ_are_counted_and_never_fire() -> None:
    rows = np.zeros((400, 1))
    sample = side(rows, np.repeat(np.arange(4), [100, 100, 150, 50]))
    (finding,) = check_bins(Evidence(sample, side(rows, np.repeat(np.arange(4), 100))))
    assert (finding.severity, finding.value, finding.classes.tolist()) == ("fine", 2, [3, 2])
    assert finding.sentence == "2 of 4 classes have another share than in the reference (NDB/K 0.50)."
    assert (finding.p_value, finding.level) == (None, None)  # nothing that would fire below it
    assert list(check_bins(Evidence(sample))) == []


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_the_z_test_is_the_chi_squared_test_of_the_table(n: int, m: int, data: st.DataObject) -> None:
    from scipy.stats import chi2_contingency

    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    found = z_test(np.array([a]), np.array([b]), n, m)[0]
    if a + b in (0, n + m):
        assert found == 1
    else:
        expected = chi2_contingency([[a, n - a], [b, m - b]], correction=False).pvalue
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-300)

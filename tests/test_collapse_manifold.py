"""Precision and recall, density and coverage: against torch-fidelity, piq and prdc, closed forms and simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isexplore.collapse.coverage import check_coverage
from isexplore.collapse.evidence import Evidence, Side, side_of
from isexplore.collapse.manifold import compare_manifolds, expected_coverage
from isexplore.predictions import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isexplore.collapse.finding import Finding


def side(embeddings: NDArray[np.floating]) -> Side:
    return side_of(Predictions.from_probabilities(np.full((len(embeddings), 2), 0.5)), embeddings)


def findings(sample: Any, reference: Any) -> dict[str, Finding]:
    return {found.key: found for found in check_coverage(Evidence(side(sample), side(reference)))}


def drawn_and_real(seed: int, dtype: type = np.float64) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    n, m, width = rng.integers(20, 150, 3)
    drawn = rng.normal(rng.uniform(0, 1), rng.uniform(0.5, 1.5), (n, width))
    return drawn.astype(dtype), rng.normal(size=(m, width)).astype(dtype)


# Peers ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_precision_and_recall_are_those_of_torch_fidelity_and_piq(seed: int) -> None:
    from piq import PR
    from torch_fidelity.metric_prc import prc_features_to_metric

    drawn, real = drawn_and_real(seed)
    found = compare_manifolds(drawn, real)
    mine = torch.from_numpy(drawn), torch.from_numpy(real)
    theirs = prc_features_to_metric(*mine, prc_neighborhood=3, prc_batch_size=64, save_cpu_ram=True, verbose=False)
    assert found.precision == pytest.approx(theirs["precision"], abs=1e-6)  # theirs are float32
    assert found.recall == pytest.approx(theirs["recall"], abs=1e-6)
    precision, recall = PR(nearest_k=3).compute_metric(mine[1], mine[0])
    assert [found.precision, found.recall] == pytest.approx([float(precision), float(recall)])


@pytest.mark.parametrize("seed", range(8))
def test_density_and_coverage_are_those_of_prdc(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    prdc = pytest.importorskip("prdc")
    drawn, real = drawn_and_real(seed)
    found = compare_manifolds(drawn, real)
    theirs = prdc.compute_prdc(real, drawn, nearest_k=5)
    capsys.readouterr()  # it prints
    assert found.density == pytest.approx(theirs["density"], rel=1e-12)
    assert found.coverage == pytest.approx(theirs["coverage"], rel=1e-12)


# Closed forms --------------------------------------------------------------------------------------------------------


def test_points_on_a_line_by_hand() -> None:
    """Real images at 0, 1, …, 9: the fifth neighbour of those inside is 3 away, the third 2."""
    real = np.arange(10.0)[:, None]
    found = compare_manifolds(np.array([[4.5], [4.4], [4.6], [4.3], [4.7], [40.0]]), real)
    assert found.precise.tolist() == [True] * 5 + [False]
    # 0 and 9 reach 5, 1 and 8 reach 4, and 2 to 7 reach 3.
    assert found.inside.tolist() == [10] * 5 + [0]
    assert compare_manifolds(np.full((6, 1), 7.5), real).covered.tolist() == [False] * 5 + [True] * 5


def test_the_expected_coverage_is_the_average_of_two_sets_of_one_law() -> None:
    rng = np.random.default_rng(0)
    seen = [compare_manifolds(rng.normal(size=(30, 2)), rng.normal(size=(60, 2))).coverage for _ in range(300)]
    assert np.mean(seen) == pytest.approx(expected_coverage(30, 60), abs=4 * np.std(seen) / np.sqrt(300))
    assert abs(expected_coverage(30, 60) - expected_coverage(60, 30)) > 0.1  # so that it matters which is which


@given(st.integers(1, 100), st.integers(6, 100))
def test_the_expected_coverage_counts_hands_of_cards(n: int, m: int) -> None:
    """Five of n + m − 1 cards, all from the m − 1 real ones: the hypergeometric law."""
    from scipy.stats import hypergeom

    assert expected_coverage(n, m) == pytest.approx(1 - hypergeom.pmf(5, n + m - 1, m - 1, 5), abs=1e-12)


# Copies --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("copies", [2, 4, 6, 40])
def test_a_set_with_copies_and_itself_are_alike(copies: int, dtype: type) -> None:
    """Whole numbers, whose distances to their copies are exactly 0, and long vectors, where they are but rounding."""
    rng = np.random.default_rng(0)
    for different in (rng.integers(0, 9, (30, 20)), rng.normal(100, 1, (30, 200))):
        rows: NDArray[Any] = np.repeat(different.astype(dtype), copies, axis=0)
        found = compare_manifolds(rows[rng.permutation(len(rows))], rows)
        assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
        assert found.coverage_p_value(99, 0) > 0.5


@given(st.integers(0, 2**32 - 1))
def test_copies_are_counted_as_by_hand(seed: int) -> None:
    """Kynkäänniemi's and Naeem's definitions with all pairs, where places are drawn again and again."""
    rng = np.random.default_rng(seed)
    place = rng.normal(size=(8, 2))  # copies tie, other distances don't
    drawn, real = place[rng.integers(0, 5, 12)], place[rng.integers(2, 8, 15)]
    found = compare_manifolds(drawn, real)
    across = np.array([[np.linalg.norm(one - other) for other in drawn] for one in real])

    def reach(rows: NDArray[Any], k: int) -> NDArray[Any]:
        return np.sort([[np.linalg.norm(one - other) for other in rows] for one in rows], axis=1)[:, k]

    close = 1 + 1e-9
    within = across <= reach(real, 5)[:, None] * close
    assert found.precise.tolist() == (across <= reach(real, 3)[:, None] * close).any(axis=0).tolist()
    assert found.recalled.tolist() == (across <= reach(drawn, 3) * close).any(axis=1).tolist()
    assert found.inside.tolist() == within.sum(axis=0).tolist()
    assert found.covered.tolist() == within.any(axis=1).tolist()


def test_two_sets_of_one_law_with_copies_fire_no_more_often_than_stated() -> None:
    rng, p, seen = np.random.default_rng(0), [], []
    place = rng.normal(size=(25, 3))
    for seed in range(200):
        found = compare_manifolds(place[rng.integers(0, 25, 40)], place[rng.integers(0, 25, 70)])
        p.append(found.coverage_p_value(99, seed))
        seen.append(found.coverage)
    assert np.mean(seen) > expected_coverage(40, 70)
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


# Findings ------------------------------------------------------------------------------------------------------------


def test_two_sets_of_one_law_are_fine() -> None:
    rng = np.random.default_rng(0)
    found = findings(rng.normal(size=(300, 8)), rng.normal(size=(200, 8)))
    assert list(found) == ["coverage", "precision", "recall", "density"]
    assert {each.severity for each in found.values()} == {"fine"}


def test_a_lost_mode_lowers_coverage_and_recall_only() -> None:
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.normal(size=(150, 4)), 50 + rng.normal(size=(50, 4))])
    found = findings(rng.normal(size=(200, 4)), real)
    assert found["coverage"].severity == "warning"
    assert found["coverage"].value == pytest.approx(0.75, abs=0.03)
    assert found["recall"].value < 0.76
    assert found["precision"].value > 0.85
    for key in ("coverage", "precision", "recall"):
        assert found[key].sentence.startswith(f"{100 * found[key].value:.1f} % of the ")


def test_a_single_repeated_image_is_severe() -> None:
    real = np.random.default_rng(0).normal(size=(300, 16))
    assert findings(np.repeat(real[:1], 100, axis=0), real)["coverage"].severity == "severe"


def test_images_that_look_like_nothing_real_are_named() -> None:
    rng = np.random.default_rng(0)
    sample = rng.normal(size=(200, 3))
    sample[[17, 63]] += 100
    assert {17, 63} <= set(findings(sample, rng.normal(size=(200, 3)))["precision"].images)


def test_at_most_so_many_images_are_looked_at_and_the_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isexplore.collapse.coverage.IMAGES", 50)
    rng = np.random.default_rng(0)
    found = findings(rng.normal(size=(80, 3)), rng.normal(size=(40, 3)))
    assert all("(50 images and 40 of the reference)" in each.sentence for each in found.values())


def test_nothing_is_said_of_five_images_or_without_embeddings() -> None:
    few, many = np.zeros((5, 2)), np.zeros((9, 2))
    assert findings(few, many) == findings(many, few) == {}
    silent = side_of(Predictions.from_probabilities(np.eye(9)))
    assert list(check_coverage(Evidence(side(many), silent))) == []


def test_two_sets_of_one_law_fire_no_more_often_than_stated() -> None:
    rng, p = np.random.default_rng(0), []
    for seed in range(200):
        drawn, real = rng.normal(size=(40, 3)), rng.normal(size=(70, 3))
        p.append(compare_manifolds(drawn, real).coverage_p_value(99, seed))
    for level in (0.05, 0.2):
        assert np.mean(np.array(p) <= level) <= level + 3 * np.sqrt(level * (1 - level) / 200)
    assert np.mean(np.array(p) <= 0.5) > 0.3  # and it is no test that never fires

"""Groups of images that are copies of one another, and what their number says of the generator.

If the generator drew evenly from S images, two images would be the same with probability 1/S, and n images would have
n(n − 1) / 2S such pairs (the birthday paradox). Arora & Zhang 2017, "Do GANs actually learn the distribution? An
empirical study", read S from the pairs that they found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Copies", "Support"]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Support:
    """How many equally likely images a generator seems to draw from, with an exact interval at 95 %.

    Attributes
    ----------
    estimate : float
        Infinite where no two images are the same.
    low, high : float
    """

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.estimate == float("inf"):
            return f"more than {self.low:,.0f} equally likely images (95 %)"
        return f"{self.estimate:,.0f} equally likely images (95 %: {self.low:,.0f} to {self.high:,.0f})"


@dataclass(frozen=True, eq=False)
class Copies:
    """Which images are copies of which.

    Attributes
    ----------
    group : ndarray of int, shape (N,)
        The number of each image's group, from 0 on; images are copies of one another if they have the same.

    Examples
    --------
    Six images, of which three show one thing and two another:

    >>> copies = Copies(np.array([0, 1, 0, 2, 1, 0]))
    >>> copies.repeats, copies.n_groups, copies.images
    (3, 2, array([0, 2, 5, 1, 4]))
    """

    group: NDArray[np.intp]

    @property
    def n_images(self) -> int:
        """The number of images."""
        return len(self.group)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """The number of images in each group, also in those of one image."""
        return np.bincount(self.group)

    @property
    def different(self) -> NDArray[np.intp]:
        """The first image of each group, in the order of the set: no two of them are copies."""
        return np.sort(self._first())

    @property
    def repeats(self) -> int:
        """How many images are copies of an earlier one."""
        return self.n_images - len(self.sizes)

    @property
    def n_groups(self) -> int:
        """How many groups have more than one image."""
        return int(np.sum(self.sizes > 1))

    @property
    def images(self) -> NDArray[np.intp]:
        """The images that have copies, group by group, the largest first, and else in the order of the set."""
        size = self.sizes[self.group]
        order = np.lexsort((self._first()[self.group], -size))
        return order[size[order] > 1]

    @property
    def pairs(self) -> int:
        """How many disjoint pairs of copies there are: half of each group, rounded down."""
        return int(np.sum(self.sizes // 2))

    def _first(self) -> NDArray[np.intp]:
        return np.unique(self.group, return_index=True)[1]

    def support(self) -> Support:
        """Estimate how many images the generator draws from, by the birthday paradox.

        The X pairs of copies (all of them: three of a group are three pairs) have a Poisson law, from which the
        interval follows by the quantiles of χ². Where some images are likelier than others, S is the inverse of the
        probability that two images are the same, less than their number; the interval is then too narrow.

        Examples
        --------
        Twenty-three people, two of whom share a birthday:

        >>> print(Copies(np.array([*range(22), 0])).support())
        253 equally likely images (95 %: 45 to 9,993)
        """
        from scipy.stats import chi2

        every = self.n_images * (self.n_images - 1) / 2
        same = float(np.sum(self.sizes * (self.sizes - 1) / 2))
        most = float(chi2.ppf((1 + CONFIDENCE) / 2, 2 * same + 2)) / 2
        if not same:
            return Support(float("inf"), every / most, float("inf"))
        least = float(chi2.ppf((1 - CONFIDENCE) / 2, 2 * same)) / 2
        return Support(every / same, every / most, every / least)

    def p_value(self, reference: Copies) -> float:
        """Test whether there are more copies than another set of images explains, whatever its size.

        Given how many disjoint pairs both sets have together, how many would fall to this one by chance? An image that
        comes up λ times on average among n makes f(λ) = E⌊Poisson(λ)/2⌋ = λ/2 − (1 − exp(−2λ))/4 pairs. As f is convex
        with f(0) = 0 and f(λ)/λ² falls, a set of n images has at most ρ times the pairs of one of m, with ρ = n/m where
        n ≤ m, and ρ = (n/m)² elsewhere. And as a Poisson number of pairs is the most scattered that there can be here
        (of a large group, hardly more or less than half of it falls to either set), the binomial law with
        ρ/(1 + ρ) holds its level: it is exact for rare copies and equal sizes, and cautious elsewhere.

        Parameters
        ----------
        reference : Copies

        Returns
        -------
        float

        Examples
        --------
        Seven pairs are too many for chance where the other set, of the same size, has none:

        >>> Copies(np.repeat(np.arange(7), 2)).p_value(Copies(np.arange(14)))
        0.0078125
        """
        from scipy.stats import binomtest

        together = self.pairs + reference.pairs
        if not together:
            return 1.0
        ratio = self.n_images / reference.n_images
        ratio = min(ratio, 1) * max(ratio, 1) ** 2
        return float(binomtest(self.pairs, together, ratio / (1 + ratio), alternative="greater").pvalue)

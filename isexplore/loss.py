"""The logarithm of the Inception Score as a differentiable function of logits, for training and for gradient ascent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from isexplore.arrays import LEAST_LOGIT
from isexplore.matrices import check_shape

if TYPE_CHECKING:
    import torch


def log_inception_score(logits: torch.Tensor) -> torch.Tensor:
    """Return ln IS of a batch, differentiable; the loss to minimise is its negative.

    L = (1/N) Σ_i Σ_c p_ic (ln p_ic − ln m_c), with the gradient ∂L/∂z_ic = p_ic (ln(p_ic/m_c) − KL_i) / N. Value and
    gradient stay finite however sharp the logits are, where a logarithm of the softmax does not. The score of a batch
    of n images is at most n, and about B/2n too low on average (B as in `uncertainty.bias_constant`, up to C − 1): take
    batches of many more images than classes. An image that the network is sure of has next to no gradient; dividing the
    logits by a temperature gives it one.

    Parameters
    ----------
    logits
        (N, C) in any floating precision, on any device; float16 and bfloat16 are computed in float32. Minus infinity
        stands for "never this class"; NaN and plus infinity make the result NaN.

    Returns
    -------
    torch.Tensor
        Scalar, in nats, between 0 and ln min(N, C).

    Raises
    ------
    TypeError
        If it is no tensor of real floating-point numbers.
    ValueError
        If its shape is not N ≥ 1 by C ≥ 2.

    Examples
    --------
    >>> import torch
    >>> logits = (10.0 * torch.eye(4)).requires_grad_()
    >>> loss = -log_inception_score(logits)
    >>> loss.backward()
    >>> round(loss.item(), 3), logits.grad.shape
    (-1.385, torch.Size([4, 4]))
    """
    import torch

    if not isinstance(logits, torch.Tensor):
        raise TypeError(f"logits is a {type(logits).__name__}: give a torch tensor, such as torch.as_tensor(logits)")
    if not logits.is_floating_point():
        raise TypeError(f"logits holds {logits.dtype}: give floating-point numbers, such as logits.float()")
    check_shape(tuple(logits.shape), "logits")
    if torch.finfo(logits.dtype).bits < torch.finfo(torch.float32).bits:
        logits = logits.float()
    # Infinity times a probability of 0 would be no number; the bound changes none above 0.
    log_p = logits.log_softmax(dim=1).clamp(min=LEAST_LOGIT)
    log_m = log_p.logsumexp(dim=0) - math.log(len(logits))
    return (log_p.exp() * (log_p - log_m)).sum() / len(logits)

"""How the neurons of a firing layer turn activations into spikes, in floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onespike_hw.convert.base import Coding

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Neurons:
    """How the neurons of one firing layer code.

    coding       their phases
    full_scales  of each channel, float64 [C], > 0
    silence      below it, in real units, an activation is not sent in any phase, float64 [C]; None: as the coding says
    """

    coding: Coding
    full_scales: Float64
    silence: Float64 | None = None

    @property
    def thresholds(self) -> Float64:
        """What an activation must reach to be sent in phase k, in real units: float64 [C, T], never rising along T."""
        ladder = self.coding.thresholds * self.full_scales[:, None]
        return ladder if self.silence is None else np.maximum(ladder, self.silence[:, None])

    def sent(self, x: Tensor) -> Tensor:
        """What the activations [N, C, ...] are sent as: the level of the first threshold reached, or 0."""
        per_channel = (1, -1, *[1] * (x.dim() - 2))
        phases = torch.zeros(x.shape, dtype=torch.int32)
        for thresholds in torch.from_numpy(self.thresholds).to(x.dtype).T:
            phases += x < thresholds.view(per_channel)
        levels = torch.tensor([*self.coding.levels, 0.0], dtype=x.dtype)
        return levels[phases] * torch.from_numpy(self.full_scales).to(x.dtype).view(per_channel)

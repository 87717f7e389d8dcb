"""Weights that make up for the coding of what they read: ridge regression, layer after layer. No labels, no training.

A layer reads coded activations x' where the trained network reads x. Its weights W and bias b become W + D and b + c,

    min over D, c of  mean (relu(z) - relu((W + D) x' + b + c))^2 + rho * g * |D|^2,    g = mean of var(x'_j)

with z what the trained network finds there: coding errors that other channels know of are taken back out. Where both
are below 0 nothing is to be learned, so the regression is on z - z' where z > 0, and on -z' where z' > 0 alone, a few
times over. rho is what leaves least error on calibration images that the regression did not see; where every rho leaves
more than the weights as they are, they stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from onespike_hw.convert.layers import FloatLayer
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.normalize import run_batches
from onespike_hw.convert.spiking import changed
from onespike_hw.network import INPUT

ROWS = 16_384
"""Places of a layer that the regression sees."""
RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
_ROUNDS = 3
_JUDGED = 5
"""One calibration image in so many judges the ridges."""


def refitted(
    trained: Sequence[FloatLayer],
    chain: Sequence[FloatLayer],
    neurons: Mapping[str, Neurons],
    images: Tensor,
    coded_images: Tensor,
) -> list[FloatLayer]:
    """`chain` with the weights and biases of its conv and linear layers fitted to the codes that they read.

    Left as they are: layers that read the network's input, and weights that were trained as integers. The arguments are
    those of spiking.changed.
    """
    behind_input = {INPUT}

    def fit(layer: FloatLayer, wanted: Tensor, coded: list[Tensor]) -> tuple[FloatLayer, Tensor]:
        if layer.name not in neurons and behind_input.issuperset(layer.inputs):
            behind_input.add(layer.name)
        weighted = layer.kind in ("conv", "linear") and layer.step is None
        if weighted and not behind_input.issuperset(layer.inputs):
            layer = _fitted(layer, wanted, coded[0])
        return layer, run_batches(replace(layer, relu=False), coded)

    return changed(trained, chain, neurons, images, coded_images, fit)


@dataclass(frozen=True, eq=False)
class _Sample:
    """What a layer reads and should find at some places: float32 [groups, M, inputs] and [groups, M, outputs]."""

    read: Tensor
    wanted: Tensor
    relu: bool

    def rows(self, which: Tensor) -> _Sample:
        return replace(self, read=self.read[:, which], wanted=self.wanted[:, which])

    def residual(self, weight: Tensor, bias: Tensor) -> Tensor:
        """What the layer lacks, [groups, M, outputs]; 0 where a ReLU hides it."""
        found = self.read @ weight.mT + bias[:, None]
        if not self.relu:
            return self.wanted - found
        return torch.where(self.wanted > 0, self.wanted - found, -found.relu())

    def error(self, weight: Tensor, bias: Tensor) -> float:
        """Mean squared error behind the ReLU."""
        found = self.read @ weight.mT + bias[:, None]
        if self.relu:
            return float((found.relu() - self.wanted.relu()).square().mean())
        return float((found - self.wanted).square().mean())


def _fitted(layer: FloatLayer, wanted: Tensor, coded: Tensor) -> FloatLayer:
    sample, image = _sampled(layer, wanted, coded)
    judged = image % _JUDGED == _JUDGED - 1
    if not bool(judged.any()):
        return layer
    seen, judge = sample.rows(~judged), sample.rows(judged)
    weight = layer.affine[0].float().reshape(layer.groups, -1, sample.read.shape[2])
    bias = layer.affine[1].float().reshape(layer.groups, -1)
    least, best = judge.error(weight, bias), None
    for candidate in _regressions(seen, weight, bias):
        error = judge.error(*candidate)
        if error < least:
            least, best = error, candidate
    if best is None:
        return layer
    weight, bias = (value.double().reshape(old.shape) for value, old in zip(best, layer.affine, strict=True))
    return replace(layer, weight=weight, bias=bias)


def _regressions(seen: _Sample, weight: Tensor, bias: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases for each ridge. One decomposition of the covariance serves them all."""
    mean = seen.read.mean(1, keepdim=True)
    centred = seen.read - mean
    places = centred.shape[1]
    values, vectors = torch.linalg.eigh((centred.mT @ centred).double() / places)
    unit = values.clamp(min=0).mean(1, keepdim=True)
    results = []
    for ridge in RIDGES:
        own_weight, own_bias = weight, bias
        strength = (ridge * unit).clamp(min=1e-30)
        for _ in range(_ROUNDS if seen.relu else 1):
            lacks = seen.residual(own_weight, own_bias)
            common = lacks.mean(1)
            pull = (lacks.mT @ centred).double() / places - strength[..., None] * (own_weight - weight).double()
            change = ((pull @ vectors / (values.clamp(min=0) + strength)[:, None]) @ vectors.mT).float()
            own_weight = own_weight + change
            own_bias = own_bias + common - (change @ mean.mT)[..., 0]
        results.append((own_weight, own_bias))
    return results


def _sampled(layer: FloatLayer, wanted: Tensor, coded: Tensor) -> tuple[_Sample, Tensor]:
    """Places of the calibration images, chosen at random, the same ones every time; and the image of each."""
    images, groups = len(coded), layer.groups
    if layer.kind == "linear":
        return _Sample(coded[None], wanted[None], layer.relu), torch.arange(images)
    height, width = wanted.shape[2:]
    count = max(1, min(height * width, ROWS // images))
    generator = torch.Generator().manual_seed(0)
    place = torch.stack([torch.randperm(height * width, generator=generator)[:count] for _ in range(images)])
    top, left = place // width * layer.stride[0], place % width * layer.stride[1]
    (rows, columns), (above, beside) = layer.kernel_size, layer.padding
    padded = functional.pad(coded, (beside, beside, above, above))
    image = torch.arange(images)[:, None].expand_as(place)
    windows = [padded[image, :, top + i, left + j] for i in range(rows) for j in range(columns)]
    read = torch.stack(windows, -1).reshape(images * count, groups, -1).transpose(0, 1)
    found = wanted.flatten(2).gather(2, place[:, None].expand(-1, wanted.shape[1], -1)).transpose(1, 2)
    by_group = found.reshape(images * count, groups, -1).transpose(0, 1)
    return _Sample(read, by_group, layer.relu), image.flatten()

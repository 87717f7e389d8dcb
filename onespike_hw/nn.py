"""torch modules that compute the integer contract exactly: what the hls4ml extension turns into hardware; and the graph
convolution that convert reads (GraphConv, whose edges `adjacency` or `from_matrix` make).

    model = onespike_hw.hls4ml.to_torch(net)         # net: a Network, as oh.convert gives it
    logits = model(torch.from_numpy(integers))       # integers: golden.quantize_input(net, images)

Three sorts of tensors flow, all of them float64 tensors of whole numbers: phase codes (0..T-1, T = silent), integers
(the network's input, or what spikes are worth) and potentials. Equations: docs/contract.md (paper: One-Spike SNN,
arXiv 2403.08786).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from onespike_hw.convert.adjacency import Adjacency, adjacency, from_matrix
from onespike_hw.convert.geometric import with_edges
from onespike_hw.convert.graph_conv import GraphConv
from onespike_hw.errors import ConversionError, InputError
from onespike_hw.network import Int64, Network, Pair

if TYPE_CHECKING:
    Leaf = nn.Module
else:
    try:  # what hls4ml's tracer takes as one layer; without hls4ml an ordinary module does
        from hls4ml.utils.torch import HLS4MLModule as Leaf
    except ImportError:
        Leaf = nn.Module

__all__ = [
    "Adjacency",
    "Codes",
    "GraphConv",
    "Integers",
    "OneSpike",
    "PhaseConv2d",
    "PhaseLinear",
    "PhaseMaxPool2d",
    "Reading",
    "SpikeValue",
    "SumPool2d",
    "ZeroPoint",
    "adjacency",
    "from_matrix",
    "with_edges",
]

EXACT = 1 << 53
"""Integers below this are exact in float64, in torch and in hls4ml's predict()."""

MOST_CLASSES = 4
"""A root base Q = 2^(m/n) has up to this many classes n of phase constants."""


@dataclass(frozen=True, eq=False)
class Codes:
    """Phase codes, 0..T-1 or T = silent. constants: int64 (T,), what a spike of each phase stands for."""

    constants: Int64

    @property
    def timesteps(self) -> int:
        return len(self.constants)

    @property
    def low(self) -> int:
        return 0

    @property
    def high(self) -> int:
        return int(self.constants[0])

    @property
    def classes(self) -> Pair:
        """(n, m) where q_k = q_(k+n) << m for all k, n at most MOST_CLASSES; (T, 0) for a general base."""
        for count in range(1, min(MOST_CLASSES, self.timesteps - 1) + 1):
            shift = (int(self.constants[0]) // int(self.constants[count])).bit_length() - 1
            if (self.constants[:-count] == self.constants[count:] << shift).all():
                return count, shift
        return self.timesteps, 0


@dataclass(frozen=True)
class Integers:
    """Whole numbers low..high. low at most 0, high at least 0, as padding is 0."""

    low: int
    high: int


Reading = Codes | Integers


class OneSpike(Leaf):
    """The one-spike neuron as an activation: potentials [N, C * P, ...] to phase codes [N, C, ...].

    Fires in the smallest phase k whose threshold the potential reaches, once; code T where there is none.

    ladder         int64 (C, T), never rising along T
    fraction_bits  the threshold is ladder * 2^-fraction_bits; above 0 where the potential is a real (fixed-point)
                   number, as from a layer of hls4ml
    wait           phases that the layer lags behind its input, 0..T-1; None is settled (T-1). P = T - wait potentials
                   arrive for each neuron, channel c's at c * P ..: those after the phases wait .. T-1

    Raises ConversionError for a ladder of another shape, that rises, or with thresholds beyond 53 bits.
    """

    thresholds: Tensor

    def __init__(self, ladder: Int64, fraction_bits: int = 0, wait: int | None = None) -> None:
        super().__init__()
        self.ladder: Int64 = np.asarray(ladder, np.int64)
        if self.ladder.ndim != 2 or self.ladder.size == 0:
            raise ConversionError(
                f"ladder: has shape {self.ladder.shape}; give one threshold a channel and phase [C, T]"
            )
        if (np.diff(self.ladder, axis=1) > 0).any():
            raise ConversionError("ladder: rises along the phases; give thresholds from the first phase's down")
        _check_exact("ladder", int(self.ladder.min()), int(self.ladder.max()))
        self.fraction_bits = fraction_bits
        self.channels, self.timesteps = int(self.ladder.shape[0]), int(self.ladder.shape[1])
        self.wait = _checked_wait(wait, self.timesteps)
        self.register_buffer("thresholds", torch.from_numpy(self.ladder).double() * 2.0**-fraction_bits)

    @property
    def potentials(self) -> int:
        """P, potentials that arrive for each neuron."""
        return self.timesteps - self.wait

    @classmethod
    def from_layer(cls, net: Network, name: str, fraction_bits: int) -> OneSpike:
        """The neurons of a layer as an activation behind a real-valued layer: thresholds in real units.

        They are rounded up to steps of 2^-fraction_bits: what is such a step itself is compared exactly.
        Raises NetworkError where there is no such layer, ConversionError where it does not fire.
        """
        layer = net.layer(name)
        if layer.ladder is None or layer.scale is None:
            raise ConversionError(f"{name}: it does not fire, so it has no thresholds; name a layer with a ReLU")
        real = layer.ladder * layer.scale[:, np.newaxis] * 2.0**fraction_bits
        return cls(np.ceil(real).astype(np.int64), fraction_bits)

    def forward(self, potentials: Tensor) -> Tensor:
        if potentials.shape[1] != self.channels * self.potentials:
            what = f"reads {potentials.shape[1]} channels, has thresholds for {self.channels}"
            raise InputError(f"OneSpike: {what} neurons of {self.potentials} potentials each")
        images, _, *pixels = potentials.shape
        neurons = potentials.double().reshape(images, self.channels, self.potentials, *pixels)
        codes = torch.full_like(neurons[:, :, 0], self.timesteps)
        by_channel = (self.channels, *[1] * (codes.dim() - 2))
        for phase in reversed(range(self.timesteps)):
            reached = neurons[:, :, min(phase, self.potentials - 1)] >= self.thresholds[:, phase].reshape(by_channel)
            codes = torch.where(reached, float(phase), codes)
        return codes


class SpikeValue(Leaf):
    """What spikes are worth: phase codes to integers, any shape; 0 where silent. constants: int64 (T,)."""

    worth: Tensor

    def __init__(self, constants: Int64) -> None:
        super().__init__()
        self.reads = Codes(np.asarray(constants, np.int64))
        self.register_buffer("worth", torch.from_numpy(np.append(self.reads.constants, 0)).double())

    def forward(self, codes: Tensor) -> Tensor:
        return self.worth[_checked_codes(codes, self.reads.timesteps, type(self).__name__)]


class ZeroPoint(Leaf):
    """The network's input less its zero point: [N, C, ...] integers of `reads` to integers. zero_point: int64 (C,)."""

    def __init__(self, zero_point: Int64, reads: Integers) -> None:
        super().__init__()
        self.zero_point = np.asarray(zero_point, np.int64)
        self.reads = reads

    @property
    def gives(self) -> Integers:
        """Range of what leaves it."""
        low, high = self.reads.low - int(self.zero_point.max()), self.reads.high - int(self.zero_point.min())
        return Integers(min(low, 0), max(high, 0))

    def forward(self, integers: Tensor) -> Tensor:
        zero_point = torch.from_numpy(self.zero_point).double()
        return integers.double() - zero_point.reshape(-1, *[1] * (integers.dim() - 2))


class _Synapses(Leaf):
    """Weights, and what the potential starts from. Settled unless it reads codes and `wait` is below T-1."""

    def __init__(self, weight: NDArray[np.int8], bias: Int64, reads: Reading, wait: int | None = None) -> None:
        super().__init__()
        self.weight = np.asarray(weight, np.int8)
        self.bias = np.asarray(bias, np.int64)
        self.reads = reads
        self.wait = _checked_wait(wait, reads.timesteps) if isinstance(reads, Codes) else 0
        _check_exact("potential", *self.potential_range)

    @property
    def potentials(self) -> int:
        """P, potentials that leave it for each neuron."""
        return self.reads.timesteps - self.wait if isinstance(self.reads, Codes) else 1

    @property
    def weight_sums(self) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """Sums of the negative and of the positive weights of each neuron, as Python integers."""
        rows = self.weight.reshape(len(self.weight), -1).astype(np.int64)
        return np.minimum(rows, 0).sum(axis=1).astype(object), np.maximum(rows, 0).sum(axis=1).astype(object)

    @property
    def potential_range(self) -> Pair:
        """The interval that no potential can leave, that of no input included."""
        negative, positive = self.weight_sums
        bias = self.bias.astype(object)
        low = (bias + negative * self.reads.high + positive * self.reads.low).min()
        high = (bias + positive * self.reads.high + negative * self.reads.low).max()
        return int(low), int(high)

    def forward(self, values: Tensor) -> Tensor:
        reads = self.reads
        if isinstance(reads, Integers):
            return self._integrate(_checked_integers(values, reads, type(self).__name__))
        codes = _checked_codes(values, reads.timesteps, type(self).__name__)
        worth = torch.from_numpy(np.append(reads.constants, 0)).double()
        taken_in = range(self.wait, reads.timesteps)
        partial = [self._integrate(torch.where(codes <= phase, worth[codes], 0.0)) for phase in taken_in]
        return torch.stack(partial, dim=2).flatten(1, 2)

    def _integrate(self, values: Tensor) -> Tensor:
        raise NotImplementedError  # each kind of layer sums in its own way; this class is never a layer itself


class PhaseLinear(_Synapses):
    """Potentials of a fully connected layer: [N, K] phase codes or integers to [N, C * P].

    weight  int8 (C, K);  bias  int64 (C,);  reads  what arrives
    wait    phases that the neurons lag behind these codes, 0..T-1; None is settled (T-1). P = T - wait potentials of
            each neuron c leave at c * P .., those after the phases wait .. T-1; P = 1 behind integers

    Raises ConversionError where potentials need more than 53 bits.
    """

    def _integrate(self, values: Tensor) -> Tensor:
        return functional.linear(values, _doubles(self.weight), _doubles(self.bias))


class PhaseConv2d(_Synapses):
    """Potentials of a convolution: [N, C_in, H, W] phase codes or integers to [N, C * P, H', W'].

    weight  int8 (C, C_in / groups, K_h, K_w), the rest as in PhaseLinear; padding is silence
    """

    # hls4ml asks every torch layer called Conv for these two, and refuses groups; its own groups are channel_groups
    padding_mode = "zeros"
    groups = 1

    def __init__(
        self,
        weight: NDArray[np.int8],
        bias: Int64,
        reads: Reading,
        stride: Pair = (1, 1),
        padding: Pair = (0, 0),
        channel_groups: int = 1,
        wait: int | None = None,
    ) -> None:
        super().__init__(weight, bias, reads, wait)
        self.stride = stride
        self.padding = padding
        self.channel_groups = channel_groups

    @property
    def kernel_size(self) -> Pair:
        return self.weight.shape[2], self.weight.shape[3]

    def _integrate(self, values: Tensor) -> Tensor:
        weight, bias = _doubles(self.weight), _doubles(self.bias)
        return functional.conv2d(values, weight, bias, self.stride, self.padding, groups=self.channel_groups)


class _Pool(Leaf):
    """A window that slides over each channel."""

    def __init__(self, kernel_size: Pair, stride: Pair, padding: Pair, reads: Reading) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.reads = reads


class PhaseMaxPool2d(_Pool):
    """Max pooling of phase codes [N, C, H, W]: the earliest spike of the window wins; padding is silent."""

    reads: Codes

    def __init__(self, kernel_size: Pair, stride: Pair, padding: Pair, reads: Codes) -> None:
        super().__init__(kernel_size, stride, padding, reads)

    def forward(self, codes: Tensor) -> Tensor:
        checked = _checked_codes(codes, self.reads.timesteps, type(self).__name__).double()
        return -functional.max_pool2d(-checked, self.kernel_size, self.stride, self.padding)


class SumPool2d(_Pool):
    """Average pooling without the division: sums of integers [N, C, H, W]; padding adds nothing."""

    reads: Integers

    def __init__(self, kernel_size: Pair, stride: Pair, padding: Pair, reads: Integers) -> None:
        super().__init__(kernel_size, stride, padding, reads)
        _check_exact("sum", self.gives.low, self.gives.high)

    @property
    def gives(self) -> Integers:
        """Range of what leaves it."""
        values = self.kernel_size[0] * self.kernel_size[1]
        return Integers(values * self.reads.low, values * self.reads.high)

    def forward(self, integers: Tensor) -> Tensor:
        checked = _checked_integers(integers, self.reads, type(self).__name__)
        return functional.avg_pool2d(checked, self.kernel_size, self.stride, self.padding, divisor_override=1)


def _doubles(integers: NDArray[Any]) -> Tensor:
    return torch.from_numpy(integers.astype(np.float64))


def _checked_wait(wait: int | None, timesteps: int) -> int:
    if wait is None:
        return timesteps - 1
    if not 0 <= wait <= timesteps - 1:
        raise ConversionError(f"wait: {wait} is not 0..{timesteps - 1}; use {timesteps - 1} for settled neurons")
    return wait


def _check_exact(what: str, low: int, high: int) -> None:
    if max(-low, high + 1) >= EXACT:
        bits = max(-low, high + 1).bit_length() + 1
        raise ConversionError(f"a {what} needs {bits} bits, float64 holds 53 exactly; use fewer fraction bits")


def _checked_codes(codes: Tensor, timesteps: int, who: str) -> Tensor:
    """Phase codes as indices; InputError where a value is none."""
    indices = codes.long()
    wrong = (indices != codes) | (indices < 0) | (indices > timesteps)
    if bool(wrong.any()):
        value = codes[wrong][0].item()
        raise InputError(f"{who}: {value:g} is no phase code 0..{timesteps}; put a OneSpike in front")
    return indices


def _checked_integers(values: Tensor, reads: Integers, who: str) -> Tensor:
    """Integers as float64; InputError where a value is none of `reads`."""
    wrong = (values != values.round()) | (values < reads.low) | (values > reads.high)
    if bool(wrong.any()):
        value = values[wrong][0].item()
        way_out = "give what golden.quantize_input gives"
        raise InputError(f"{who}: {value:g} is no integer {reads.low}..{reads.high}; {way_out}")
    return values.double()

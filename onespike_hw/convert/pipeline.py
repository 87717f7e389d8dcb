"""From a torch module and calibration images to a Network."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from onespike_hw.convert import spiking
from onespike_hw.convert.base import Coding, Sample, least_loss, optimal_base, optimal_root
from onespike_hw.convert.build import build, common_fraction_bits
from onespike_hw.convert.correct import corrected
from onespike_hw.convert.first_step import absorb, fold_with_input
from onespike_hw.convert.graphs import as_one_image, is_graph_model, shared_edges, with_integer_zero
from onespike_hw.convert.inputs import InputCode, calibration_images, input_code, with_single_spikes
from onespike_hw.convert.layers import FloatLayer, Shape, apply_all, operands_of
from onespike_hw.convert.neurons import Neurons
from onespike_hw.convert.normalize import Activations, least_squares_scales, observe
from onespike_hw.convert.options import Options, checked
from onespike_hw.convert.refit import refitted
from onespike_hw.convert.scales import sources, with_integer_weights
from onespike_hw.convert.sparsity import PRICES, Point, affordable, market, silenced
from onespike_hw.convert.trace import trace
from onespike_hw.errors import ConversionError
from onespike_hw.network import Network

Float64 = NDArray[np.float64]

_CHECKED_IMAGES = 8
_CHECKED_TOLERANCE = 1e-3
_JUDGED_IMAGES = 200
"""Calibration images on which prices of spikes are compared."""


@dataclass(frozen=True, eq=False)
class Plan:
    """All that is decided before anything becomes an integer.

    chain    the model's layers, folded, in the order of the data; biases and slopes corrected, where that was asked for
    neurons  of each layer with a ReLU, by name
    coding   the network's own; layers with another one get phase constants of their own
    code     of the input
    observed the activations of the calibration images, layer by layer
    curve    what silencing weak activations costs and saves, up to what was chosen; empty where it is off
    """

    chain: Sequence[FloatLayer]
    neurons: Mapping[str, Neurons]
    coding: Coding
    code: InputCode
    input_shape: Shape
    options: Options
    observed: tuple[Activations, ...]
    curve: tuple[Point, ...]

    @property
    def over_graph(self) -> bool:
        """True for a GCN, whose input_shape is (C, nodes)."""
        return shared_edges(self.chain) is not None


def convert(
    model: nn.Module,
    calibration: Tensor | NDArray[np.floating],
    *,
    timesteps: int = 8,
    base: str | float = "optimal",
    threshold_shift: bool = True,
    normalization: str = "channel",
    percentile: float = 99.9,
    weight_bits: int = 8,
    input_bits: int = 8,
    input_spikes: str = "many",
    wait: str | int = "settled",
    start: int | str = 0,
    input_range: tuple[float, float] | None = None,
    input_mean: float | Sequence[float] | None = None,
    input_std: float | Sequence[float] | None = None,
    input_shape: tuple[int, ...] | None = None,
    calibrate: bool = True,
    refit: bool = True,
    sparsity: str | float = "free",
    node_bits: int = 18,
) -> Network:
    """Convert a trained ReLU network to single-spike phase coding (One-Spike SNN, arXiv 2403.08786).

    model            a module that torch.fx can trace: Conv2d, BatchNorm, Linear, ReLU, pooling, Flatten, Dropout and
                     Identity, one behind the other, and sums of two branches with a ReLU behind; or GraphConv with
                     BatchNorm1d, ReLU and Dropout; it is not changed
    calibration      a few hundred images as the model takes them, float [N, C, H, W] or [N, C]; of a GCN the features
                     of all nodes, [nodes, C]; labels are not needed
    timesteps        T, phases in one period, 1..32
    base             Q: "optimal" loses least on the calibration activations, "root" is the best of 2^(m/n), n <= 4,
                     "per-layer" one optimal base a layer (one for layers that meet in a sum), or a number above 1
    threshold_shift  thresholds half-way between the levels
    normalization    full scales per "channel" or per "layer"
    percentile       of the calibration activations that is the full scale (100: the largest)
    calibrate        full scales of least squared coding error in place of the percentile; then, layer after layer, the
                     mean error and slope that the layers before leave are corrected in bias and ladder
    refit            with calibrate: weights are fitted to the codes that they read, by regression, before rounding;
                     False keeps them as trained
    sparsity         weak activations stay silent where that saves most operations, as far as the squared error of the
                     logits on calibration images grows by this share; 0: not at all; "free": as far as costs no
                     accuracy (0.16 where calibrate, else 0)
    weight_bits      2..8, quantised per output channel by Brevitas
    input_bits       1..16
    input_spikes     "many": an input value is a train of spikes, exact; "one": a single spike, as hidden neurons send
    wait             phases that a layer lags behind the one before it, 0..T-1, or "settled" (T-1)
    start            a spike in phase k stands for Q^-(k + start) of the full scale; "optimal" is 0 or 1, what loses
                     least (with calibrate the full scales make up for either)
    input_range      (low, high) of the pixels; None reads it from the calibration images (convert.inputs.input_code)
    input_mean       where the model takes (pixel - mean) / std: one mean a channel, in the pixels' unit; the network
    input_std        takes the pixels then. The same as the model's own first step is recognised and needs neither
    input_shape      of one image, (C, H, W) or (C,); None takes the calibration images'
    node_bits        what a node of a graph sends along its edges is rounded to this many bits, 8..48

    Raises ConversionError, naming the layer or option, its value and the way out.
    """
    planned = plan(
        model,
        calibration,
        timesteps=timesteps,
        base=base,
        threshold_shift=threshold_shift,
        normalization=normalization,
        percentile=percentile,
        weight_bits=weight_bits,
        input_bits=input_bits,
        input_spikes=input_spikes,
        wait=wait,
        start=start,
        input_range=input_range,
        input_mean=input_mean,
        input_std=input_std,
        input_shape=input_shape,
        calibrate=calibrate,
        refit=refit,
        sparsity=sparsity,
        node_bits=node_bits,
    )
    return build(planned.chain, planned.neurons, planned.coding, planned.code, planned.input_shape, planned.options)


def plan(
    model: nn.Module,
    calibration: Tensor | NDArray[np.floating],
    *,
    rounded_weights: bool = True,
    input_range: tuple[float, float] | None = None,
    input_mean: float | Sequence[float] | None = None,
    input_std: float | Sequence[float] | None = None,
    input_shape: tuple[int, ...] | None = None,
    **options: Any,
) -> Plan:
    """What convert decides for the same arguments. Raises ConversionError as convert does.

    rounded_weights  calibrate for integer weights, or for float ones
    """
    checked_options = checked(**options)
    if not isinstance(model, nn.Module):
        raise ConversionError(f"model: is a {type(model).__name__}; give a torch.nn.Module")
    given = calibration_images(calibration, input_shape)
    pixels = input_code(given, checked_options.input_bits, input_range, input_mean, input_std)
    trained, code = trained_layers(copy.deepcopy(model).cpu().float().eval(), given, pixels)
    images = given if shared_edges(trained) is None else as_one_image(given)
    shape = tuple(images.shape[1:])
    if checked_options.input_spikes == "one":
        code = with_single_spikes(code, images, checked_options)
    chain, sent, normalised = absorb(trained, code, shape), code.sent(images), code.normalised(images)
    observed = list(observe(chain, sent, checked_options))
    neurons = _choose_neurons(observed, together(chain), checked_options)
    codings = [layer.coding for layer in neurons.values()] or [_choose_coding([], [], checked_options)]
    if checked_options.calibrate and checked_options.refit:
        chain = refitted(trained, chain, neurons, normalised, sent)
    if rounded_weights:
        read = sources(chain, neurons, code.step * 2.0 ** common_fraction_bits(neurons, codings[0]), shape)
        chain = with_integer_weights(chain, read, neurons, checked_options.weight_bits)
    case = _Case(trained, chain, normalised, sent, checked_options.calibrate)
    neurons, curve = _choose_silence(case, observed, neurons, shape, checked_options)
    return Plan(case.corrected(neurons), neurons, codings[0], code, shape, checked_options, tuple(observed), curve)


@dataclass(frozen=True, eq=False)
class _Case:
    """What the correction of a chain takes, apart from its neurons (see correct.corrected)."""

    trained: Sequence[FloatLayer]
    chain: Sequence[FloatLayer]
    images: Tensor
    sent: Tensor
    calibrate: bool

    def corrected(self, neurons: Mapping[str, Neurons]) -> Sequence[FloatLayer]:
        if not self.calibrate:
            return self.chain
        return corrected(self.trained, self.chain, neurons, self.images, self.sent)

    def error(self, neurons: Mapping[str, Neurons]) -> float:
        """Squared error of the logits, in parts of their own square."""
        expected = spiking.logits(self.trained, {}, self.images)
        found = spiking.logits(self.corrected(neurons), neurons, self.sent)
        return float((found - expected).square().mean() / expected.square().mean().clamp(min=1e-30))


def _choose_silence(
    case: _Case, observed: Sequence[Activations], neurons: dict[str, Neurons], shape: Shape, options: Options
) -> tuple[dict[str, Neurons], tuple[Point, ...]]:
    """The neurons of the highest price whose error is allowed, and the points up to it."""
    if options.growth == 0 or not neurons:
        return neurons, ()
    few = replace(case, images=case.images[:_JUDGED_IMAGES], sent=case.sent[:_JUDGED_IMAGES])
    costs = market(case.trained, shape)

    def points() -> Iterator[Point]:
        for price in (price for price in PRICES if price <= options.highest_price):
            priced = silenced(observed, neurons, costs, price)
            yield Point(price, costs.sops(observed, priced), few.error(priced))

    curve = affordable(points(), options.growth)
    return silenced(observed, neurons, costs, curve[-1].price), tuple(curve)


def trained_layers(model: nn.Module, images: Tensor, code: InputCode) -> tuple[list[FloatLayer], InputCode]:
    """The model as the chain of float layers that is converted; checked against the model on the first images.

    model   in eval mode
    images  float32 [N, ...]; of a GCN [nodes, C]
    code    of the images; a normalisation that is the model's first step goes into the code that is returned

    Raises ConversionError where the model cannot be traced or folded, or the chain does not do what the model does.
    """
    over_graph = is_graph_model(model)
    few = images if over_graph else images[:_CHECKED_IMAGES].clone()
    operations = trace(model, few if over_graph else torch.cat([few, few])[:2])
    chain, code = fold_with_input(operations, tuple(images.shape[1:]), code)
    with torch.no_grad():
        expected = model(few.clone()).double()
        if over_graph:
            shared_edges(chain)
            code = with_integer_zero(code)
            few, expected = as_one_image(few), as_one_image(expected)
        found = apply_all(chain, code.normalised(few).double())
    if not bool(torch.isfinite(expected).all()):
        raise ConversionError("model: its output on the calibration images is not finite; scale its weights down")
    largest, difference = float(expected.abs().max()), float((expected - found).abs().max())
    if not difference <= _CHECKED_TOLERANCE * max(largest, 1e-6):
        what = f"what was traced differs from what it computes by {difference:.3g} (largest output {largest:.3g})"
        raise ConversionError(f"model: {what}; remove hooks and random operations, which torch.fx does not see")
    return chain, code


def _choose_neurons(
    activations: Sequence[Activations], groups: Sequence[Set[str]], options: Options
) -> dict[str, Neurons]:
    """Bases and full scales of all firing layers, by name."""
    if options.base == "per-layer":
        members = [[layer for layer in activations if layer.name in group] for group in groups]
        chosen = {name: own for group in members for name, own in _choose_together(group, options).items()}
        return {layer.name: chosen[layer.name] for layer in activations}
    return _choose_together(activations, options)


def together(chain: Sequence[FloatLayer]) -> list[set[str]]:
    """The firing layers, in sets: layers whose spikes meet in an add are in one, and have the same phase constants."""
    groups = [{layer.name} for layer in chain if layer.relu]
    for add in chain:
        if add.kind == "add":
            operands = zip(add.inputs, operands_of(chain, add), strict=True)
            met = {_sender(chain, name if operand is None else operand.inputs[0]) for name, operand in operands}
            joined = set().union(*(group for group in groups if group & met))
            groups = [joined, *(group for group in groups if not group & met)]
    return groups


def _sender(chain: Sequence[FloatLayer], name: str) -> str:
    """The firing layer whose spikes leave the layer of that name, which pools or flattens them, or is that layer."""
    layer = next(layer for layer in chain if layer.name == name)
    return layer.name if layer.relu else _sender(chain, layer.inputs[0])


def _choose_together(activations: Sequence[Activations], options: Options) -> dict[str, Neurons]:
    """One base for all of these layers; where both are free, base and full scales are chosen for each other in turn."""
    scales = [layer.percentiles for layer in activations]
    coding = _choose_coding(activations, scales, options)
    if options.calibrate:
        scales = [least_squares_scales(layer, coding, options.normalization) for layer in activations]
        coding = _choose_coding(activations, scales, options)
        scales = [least_squares_scales(layer, coding, options.normalization) for layer in activations]
    return {layer.name: Neurons(coding, scale) for layer, scale in zip(activations, scales, strict=True)}


def _choose_coding(activations: Sequence[Activations], scales: Sequence[Float64], options: Options) -> Coding:
    """The base for each start that may be, and of these the coding that loses least."""
    samples = [layer.in_full_scales(scale) for layer, scale in zip(activations, scales, strict=True)]
    starts = (0, 1) if isinstance(options.start, str) else (options.start,)
    return least_loss(samples, [_with_base(samples, start, options) for start in starts])


def _with_base(samples: Sequence[Sample], start: int, options: Options) -> Coding:
    base = options.base
    if isinstance(base, str):
        choose = optimal_root if base == "root" else optimal_base
        base = choose(samples, options.timesteps, start, options.threshold_shift)
    return Coding(options.timesteps, base, start, options.threshold_shift)

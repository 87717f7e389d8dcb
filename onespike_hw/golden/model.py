"""A batch of images through a whole network."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onespike_hw.errors import InputError
from onespike_hw.golden import adds, neurons
from onespike_hw.golden.adds import Add, Charge, Operand, Shortcut
from onespike_hw.golden.inputs import check_batch, per_channel, quantize_images
from onespike_hw.golden.neurons import Neurons, Response
from onespike_hw.golden.signals import Codes, Integers, PhaseCodes, Signal, Sums, from_batch, per_image, to_batch
from onespike_hw.network import INPUT, Float64, Int64, Layer, Network

FIELD_BYTES = 4 << 20
"""Memory for the receptive fields of one layer, where one image does not take more: what stays in the cache."""

MOST_THREADS = 8
"""Parts of the batch that run side by side, at most: beyond, Python itself holds them up."""

KEPT_BYTES = 31 << 20
"""Once glibc has freed a block of this size (its limit is 32 MiB), it keeps twice as much for the next arrays. Else
each batch of images gives its memory back, and the page faults of the next one take half of a run."""

Array = NDArray[Any]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Run:
    """What the network made of N images.

    logits        int64 [N, classes]; [N, C, H, W] where the last layer has more than one pixel; of a network over a
                  graph [N, nodes, classes], as a GCN gives them
    scale         float64 [classes]: real value of one unit of a logit
    codes         layer name -> uint8 phase codes [N, C, H, W], [N, C] or [N, C, nodes], T = silent, for every layer
                  that codes leave; empty where the run was made with codes=False
    sops          conv, linear, graphconv or add layer -> int64 [N], synaptic operations
    spikes        layer that fires -> int64 [N], spikes that leave it
    noise_spikes  layer that fires -> int64 [N], spikes that the settled neuron with the same input would not have
                  fired, or would have fired in another phase
    potentials    conv, linear, graphconv or add layer -> int64 V_{T-1}, shaped as codes; empty unless asked for
    """

    logits: Int64
    scale: Float64
    codes: dict[str, PhaseCodes]
    sops: dict[str, Int64]
    spikes: dict[str, Int64]
    noise_spikes: dict[str, Int64]
    potentials: dict[str, Int64]

    @property
    def predictions(self) -> Int64:
        """Class of the largest real logit: int64 [N], [N, H, W], or [N, nodes] of a network over a graph."""
        if self.logits.ndim == 3:
            return np.asarray(np.argmax(self.logits * self.scale, axis=2))
        scale = self.scale.reshape(-1, *[1] * (self.logits.ndim - 2))
        return np.asarray(np.argmax(self.logits * scale, axis=1))


def run(
    net: Network,
    x: ArrayLike,
    *,
    codes: bool = True,
    potentials: bool = False,
    batch: int = 64,
    progress: Progress | None = None,
) -> Run:
    """Run images through a network, in exact integers.

    x           [N, *net.input_shape], or [N, nodes, C] or [nodes, C] for a network over a graph: real values as the
                torch module takes them, or input integers (see quantize_input)
    codes       keep the phase codes of all layers
    potentials  keep the last potentials of all neurons
    batch       images at once on one core, at most: fewer where one layer's receptive fields would take too much
                memory; a network over a graph takes one after the other
    progress    called with (images done, images in all) after each such batch, in order
    Raises InputError for images that this network cannot take.
    """
    images = check_batch(net, x)
    if batch < 1:
        raise InputError(f"batch: must be at least 1, not {batch}")
    if net.graph is not None:
        return _run_graph(net, images, codes, potentials, progress)
    prepared = _prepare(net)
    fields = [neurons.image_bytes(each) for each in prepared.values() if isinstance(each, Neurons)]
    step = max(1, min(batch, FIELD_BYTES // max(fields)))
    result = _empty(net, len(images), codes, potentials)
    parts = [slice(first, min(first + step, len(images))) for first in range(0, len(images), step)]
    np.empty(KEPT_BYTES, np.uint8)

    def run_part(part: slice) -> None:
        _run_part(net, prepared, quantize_images(net, images[part], (part.start,)), part, result)

    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        for part, _ in zip(parts, pool.map(run_part, parts), strict=True):
            if progress is not None:
                progress(part.stop, len(images))
    return result


def _run_graph(net: Network, batch: Array, codes: bool, potentials: bool, progress: Progress | None) -> Run:
    from onespike_hw.golden import graphs  # scipy, which other networks do without

    prepared = graphs.prepare(net)
    result = _empty(net, len(batch), codes, potentials)
    last = net.layers[-1]
    for index in range(len(batch)):

        def keep(layer: Layer, nodes: slice, v: Int64, index: int = index) -> None:
            if layer is last:
                result.logits[index, nodes] = v
            if layer.name in result.potentials:
                result.potentials[layer.name][index, :, nodes] = v.T

        for layer, answer in graphs.run_item(net, prepared, batch, index, keep):
            result.sops[layer.name][index] = answer.operations
            if answer.codes is not None:
                result.spikes[layer.name][index] = int((answer.codes < net.timesteps).sum())
                if codes:
                    result.codes[layer.name][index] = answer.codes
        if progress is not None:
            progress(index + 1, len(batch))
    return result


Prepared = dict[str, Neurons | Add]


def _prepare(net: Network) -> Prepared:
    """Every layer that integrates, ready to run."""
    weighted = {layer.name: neurons.build(net, layer) for layer in net.layers if layer.weight is not None}
    return {**weighted, **{layer.name: adds.build(net, layer, weighted) for layer in net.layers if layer.kind == "add"}}


def _empty(net: Network, images: int, codes: bool, potentials: bool) -> Run:
    last = net.layers[-1]
    assert last.scale is not None
    integrating = [layer for layer in net.layers if layer.bias is not None]
    firing = [layer for layer in net.layers if layer.fires]
    coded = [layer for layer in net.layers if codes and net.carries_codes(layer.name)]
    return Run(
        logits=np.zeros((images, *_logit_shape(last)), np.int64),
        scale=last.scale,
        codes={layer.name: np.zeros((images, *layer.shape), np.uint8) for layer in coded},
        sops={layer.name: np.zeros(images, np.int64) for layer in integrating},
        spikes={layer.name: np.zeros(images, np.int64) for layer in firing},
        noise_spikes={layer.name: np.zeros(images, np.int64) for layer in firing},
        potentials={layer.name: np.zeros((images, *layer.shape), np.int64) for layer in integrating if potentials},
    )


def _logit_shape(last: Layer) -> tuple[int, ...]:
    if last.kind == "graphconv":
        return last.shape[::-1]
    return last.shape[:1] if last.shape[1:] in ((), (1, 1)) else last.shape


def _run_part(net: Network, prepared: Prepared, integers: Int64, part: slice, result: Run) -> None:
    """Run the images of `part` and write what they give into their places of `result`."""
    d = integers - per_channel(net, net.input_zero_point)
    signals: dict[str, Signal] = {INPUT: Integers(from_batch(d), net.input_bits + 1)}
    charges: dict[str, Charge] = {}
    spikes = {INPUT: signals[INPUT].spikes()}
    for layer in net.layers:
        ready = prepared.get(layer.name)
        signal: Signal | None
        if ready is None:
            signal = _pass_on(layer, signals[layer.inputs[0]])
        elif isinstance(ready, Add):
            operands = _operands(layer, signals, charges)
            result.sops[layer.name][part] = sum(operand.operations() for operand in operands)
            signal = _keep(layer, adds.respond(ready, operands), part, result)
        else:
            source = layer.inputs[0]
            result.sops[layer.name][part] = neurons.operations(ready, spikes[source])
            if layer.fires or layer is net.layers[-1]:
                signal = _keep(layer, neurons.respond(ready, signals[source]), part, result)
            else:
                signal, charges[layer.name] = None, Charge(ready, signals[source])
                if layer.name in result.potentials:
                    sums = neurons.settled_sums(ready, signals[source])
                    result.potentials[layer.name][part] = neurons.potentials(layer, sums)
        if signal is None:
            continue
        signals[layer.name] = signal
        spikes[layer.name] = signal.spikes()
        if layer.fires:
            result.spikes[layer.name][part] = per_image(spikes[layer.name])
        if layer.name in result.codes and isinstance(signal, Codes):
            result.codes[layer.name][part] = to_batch(signal.codes)


def _operands(layer: Layer, signals: dict[str, Signal], charges: dict[str, Charge]) -> list[Operand]:
    """The two inputs of an add."""
    assert layer.operand_weight is not None
    inputs = zip(layer.inputs, layer.operand_weight, strict=True)
    return [charges[name] if name in charges else Shortcut(signals[name], weight) for name, weight in inputs]


def _keep(layer: Layer, response: Response, part: slice, result: Run) -> Codes | None:
    """Write what neurons made of their input into its places; the codes that leave them."""
    if layer.name in result.potentials:
        result.potentials[layer.name][part] = neurons.potentials(layer, response.sums)
    if response.codes is None:
        result.logits[part] = neurons.potentials(layer, response.sums).reshape(result.logits[part].shape)
    else:
        result.noise_spikes[layer.name][part] = response.noise_spikes
    return response.codes


def _pass_on(layer: Layer, source: Signal) -> Signal:
    """What leaves a layer without neurons."""
    if layer.kind == "flatten":
        return source.flat()
    if layer.kind == "avgpool":
        return Sums(source, layer)
    assert isinstance(source, Codes)
    return source.earliest(layer)

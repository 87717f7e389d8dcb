"""One-spike phase coding beside other codes: the same networks, the same images, loss, spikes and operations.

    python -m benchmarks.accuracy.others
    python -m benchmarks.accuracy.others fashion-cnn --images 10000

Rate coding is what two libraries make of the network (make bench-accuracy installs them): spikingjelly 2.0's ann2snn,
calibrated at the 99.9th percentile, and sinabs 3.1's from_model with the threshold 1 that it takes, and without the
floor of -1 that it puts under membrane potentials, which costs most where a layer adds few terms. The plain codes are
float networks here, full scales at the 99.9th percentile a channel, rounding down: phase coding with as many spikes as
an activation has bits, and time to first spike, whose spike at time t stands for (T - t) / T. Results are kept as they
come; a second call goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

import onespike_hw as oh
from benchmarks.accuracy.subjects import first_images, parser, prepare, trained_logits
from benchmarks.accuracy.tables import markdown
from onespike_hw.convert import zoo
from onespike_hw.convert.layers import FloatLayer, apply, flow, shapes
from onespike_hw.convert.normalize import max_pool_behind
from onespike_hw.convert.pipeline import plan
from onespike_hw.convert.sparsity import market

SHORT, LONG = (3, 4, 6, 8, 16), (16, 32, 64, 128)
_BATCH = 50
_SINABS_VALUES = 256
"""Images times timesteps that sinabs takes at once: four times as many take twice as long, for want of cache."""


@dataclass(frozen=True)
class Row:
    """A code with T timesteps: accuracy 0..1, spikes a neuron, operations an image behind firing layers."""

    code: str
    timesteps: int
    accuracy: float
    spikes: float
    sops: float


@dataclass(frozen=True, eq=False)
class Subject:
    """A network as trained, its layers folded, and what it is measured on.

    scales  full scale of each channel of each firing layer, by name
    reads   operations that a spike of a firing layer causes, by name
    """

    model: nn.Module
    calibration: np.ndarray
    chain: Sequence[FloatLayer]
    scales: Mapping[str, Tensor]
    reads: Mapping[str, float]
    neurons: int
    images: Tensor
    labels: np.ndarray

    def row(self, code: str, timesteps: int, predicted: np.ndarray, spikes: Mapping[str, float]) -> Row:
        """From predictions, and the spikes of each layer over all images."""
        count = len(self.images)
        sops = sum(spikes[name] * self.reads[name] for name in spikes) / count
        accuracy = float((predicted == self.labels).mean())
        return Row(code, timesteps, accuracy, sum(spikes.values()) / count / self.neurons, sops)


def subject(name: str, images: int) -> Subject:
    model, calibration = zoo.load_model(name), zoo.load_calibration(zoo.images_of(name))
    planned = plan(model, calibration, calibrate=False, rounded_weights=False)
    shown, labels = first_images(name, "test", images)
    shape = planned.input_shape
    left = dict(zip((layer.name for layer in planned.chain), shapes(planned.chain, shape), strict=True))
    return Subject(
        model=model,
        calibration=calibration,
        chain=planned.chain,
        scales={key: torch.from_numpy(own.full_scales).float() for key, own in planned.neurons.items()},
        reads=market(planned.chain, shape).reads,
        neurons=sum(prod(left[layer.name]) for layer in planned.chain if layer.relu),
        images=torch.from_numpy(shown),
        labels=labels,
    )


def one_spike(subject: Subject) -> Iterator[Row]:
    """What convert makes: INT8 weights, the best root base."""
    for steps in SHORT:
        net = oh.convert(subject.model, subject.calibration, timesteps=steps, base="root")
        run = oh.golden.run(net, subject.images.numpy(), codes=False)
        sops = float(sum(count.mean() for count in run.sops.values()))
        spikes = float(sum(count.mean() for count in run.spikes.values())) / subject.neurons
        yield Row("one spike, this project", steps, float((run.predictions == subject.labels).mean()), spikes, sops)


def multi_spike(subject: Subject) -> Iterator[Row]:
    """An activation is the sum of a spike of 2^-(k + 1) in each phase k where it has a bit."""
    for steps in SHORT:

        def bits(x: Tensor, steps: int = steps) -> tuple[Tensor, Tensor]:
            whole = (x * 2**steps).floor().clamp(0, 2**steps - 1)
            spikes = sum((whole / 2**k).floor() % 2 for k in range(steps))
            assert isinstance(spikes, Tensor)
            return whole / 2**steps, spikes

        yield _float_row(subject, "phases, many spikes", steps, bits)


def first_spike(subject: Subject) -> Iterator[Row]:
    """An activation is the time of one spike."""
    for steps in SHORT:

        def time(x: Tensor, steps: int = steps) -> tuple[Tensor, Tensor]:
            level = (x * steps).floor().clamp(0, steps)
            return level / steps, (level > 0).float()

        yield _float_row(subject, "time to first spike", steps, time)


def _float_row(subject: Subject, code: str, steps: int, sent: Any) -> Row:
    """The network with float weights whose activations, in full scales, are sent as `sent` says: value and spikes."""
    spikes = dict.fromkeys(subject.scales, 0.0)

    def left(layer: FloatLayer, read: list[Tensor]) -> Tensor:
        y = apply(layer, *read)
        if layer.name not in subject.scales:
            return y
        scale = subject.scales[layer.name].view(1, -1, *[1] * (y.dim() - 2))
        value, count = sent(y / scale)
        pool = max_pool_behind(subject.chain, layer)
        spikes[layer.name] += float((count if pool is None else sent(apply(pool, y / scale))[1]).sum())
        return value * scale

    predicted = []
    with torch.no_grad():
        for batch in torch.split(subject.images, _BATCH):
            for _, logits in flow(subject.chain, batch, left):
                batch = logits
            predicted.append(batch.argmax(1))
    return subject.row(code, steps, torch.cat(predicted).numpy(), spikes)


class Chain(nn.Module):
    """The folded layers as a module that torch.fx traces: a ReLU of its own, and a probe, for every firing layer.

    The probe stands behind max pooling where that alone follows: what it sees is read by others.
    """

    def __init__(self, chain: Sequence[FloatLayer]) -> None:
        super().__init__()
        self.chain = list(chain)
        self.ops, self.relus, self.probes = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        self.fires: dict[str, str] = {}
        for layer in chain:
            self.ops[_key(layer)] = _module(layer)
            if layer.relu:
                self.relus[_key(layer)] = nn.ReLU()
                probed = _key(max_pool_behind(chain, layer) or layer)
                self.probes[probed] = nn.Identity()
                self.fires[probed] = layer.name

    def forward(self, x: Tensor) -> Tensor:
        values = {"input": x}
        for layer in self.chain:
            read = [values[name] for name in layer.inputs]
            key = _key(layer)
            y = self.ops[key](*read)
            if layer.relu:
                y = self.relus[key](y)
            if key in self.probes:
                y = self.probes[key](y)
            values[layer.name] = y
        return values[self.chain[-1].name]


def _key(layer: FloatLayer) -> str:
    """The layer's name as torch takes it for a submodule."""
    return layer.name.replace(".", "_")


class Add(nn.Module):
    """The sum of two images, each with a factor a channel, and a bias; of convolutions, which the libraries know."""

    def __init__(self, factors: Tensor, bias: Tensor) -> None:
        super().__init__()
        channels = len(bias)
        self.one = nn.Conv2d(channels, channels, 1, groups=channels)
        self.other = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
        assert self.one.bias is not None
        self.one.weight.data.copy_(factors[0].view(-1, 1, 1, 1))
        self.other.weight.data.copy_(factors[1].view(-1, 1, 1, 1))
        self.one.bias.data.copy_(bias.flatten())

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        return self.one(x) + self.other(other)


def _module(layer: FloatLayer) -> nn.Module:
    if layer.kind == "maxpool":
        return nn.MaxPool2d(layer.kernel_size, layer.stride, layer.padding)
    if layer.kind == "avgpool":
        return nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding)
    if layer.kind == "flatten":
        return nn.Flatten()
    weight, bias = (value.float() for value in layer.affine)
    if layer.kind == "add":
        return Add(weight, bias)
    module: nn.Conv2d | nn.Linear
    if layer.kind == "linear":
        module = nn.Linear(weight.shape[1], weight.shape[0])
    else:
        channels = weight.shape[1] * layer.groups
        window = (layer.kernel_size, layer.stride, layer.padding)
        module = nn.Conv2d(channels, weight.shape[0], *window, groups=layer.groups)
    module.weight.data.copy_(weight)
    assert module.bias is not None
    module.bias.data.copy_(bias)
    return module


class Counter:
    """Adds up the spikes that pass the probes of a network, by firing layer.

    several  a neuron may send several spikes of size 1 in a timestep; else one of any size
    """

    def __init__(self, network: nn.Module, chain: Chain, *, several: bool) -> None:
        self.spikes = dict.fromkeys(chain.fires.values(), 0.0)
        modules = dict(network.named_modules())
        for probe, name in chain.fires.items():
            modules[f"probes.{probe}"].register_forward_hook(self._count(name, several))

    def _count(self, name: str, several: bool) -> Any:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            self.spikes[name] += float(output.sum()) if several else float((output != 0).sum())

        return hook


def spikingjelly(subject: Subject) -> Iterator[Row]:
    from spikingjelly.activation_based import ann2snn, functional

    calibration = torch.from_numpy(subject.calibration)
    batches = [(batch, 0) for batch in torch.split(calibration, _BATCH)]
    chain = Chain(subject.chain).eval()
    network = ann2snn.Converter(ann2snn.RateCodingRecipe(batches, mode="99.9%")).convert(chain).eval()
    counter = Counter(network, chain, several=False)  # spikes leave scaled by the layer's threshold
    predicted: dict[int, list[Tensor]] = {steps: [] for steps in LONG}
    spikes: dict[int, dict[str, float]] = {steps: dict.fromkeys(counter.spikes, 0.0) for steps in LONG}
    with torch.no_grad():
        for batch in torch.split(subject.images, _BATCH):
            functional.reset_net(network)
            counter.spikes = dict.fromkeys(counter.spikes, 0.0)
            total: Tensor | float = 0.0
            for step in range(1, LONG[-1] + 1):
                total = total + network(batch)
                if step in LONG:
                    assert isinstance(total, Tensor)
                    predicted[step].append(total.argmax(1))
                    spikes[step] = {key: value + counter.spikes[key] for key, value in spikes[step].items()}
    for steps in LONG:
        yield subject.row("rate, spikingjelly", steps, torch.cat(predicted[steps]).numpy(), spikes[steps])


def sinabs(subject: Subject) -> Iterator[Row]:
    from sinabs.from_torch import from_model

    for steps in LONG:
        chain = Chain(subject.chain).eval()
        network = from_model(chain, min_v_mem=None, num_timesteps=steps).spiking_model.eval()
        counter = Counter(network, chain, several=True)
        predicted = []
        with torch.no_grad():
            for batch in torch.split(subject.images, max(1, _SINABS_VALUES // steps)):
                for module in network.modules():
                    if hasattr(module, "reset_states"):
                        module.reset_states()
                found = network(batch.repeat_interleave(steps, 0))
                predicted.append(found.unflatten(0, (len(batch), steps)).sum(1).argmax(1))
        yield subject.row("rate, sinabs", steps, torch.cat(predicted).numpy(), counter.spikes)


CODES = (one_spike, multi_spike, first_spike, spikingjelly, sinabs)


def table(name: str, trained: float, rows: Sequence[Row], images: int) -> str:
    head = ["code", "T", "loss, points", "spikes a neuron", "M SOPs"]
    cells = [
        [
            row.code,
            str(row.timesteps),
            f"{100 * (trained - row.accuracy):.2f}",
            f"{row.spikes:.3f}",
            f"{row.sops / 1e6:.2f}",
        ]
        for row in rows
    ]
    said = f"{name}, trained: {100 * trained:.2f} % of the first {images:,} test images."
    return "\n".join([said, "", *markdown(head, cells), ""])


def main() -> None:
    args = parser(__doc__, images=1000).parse_args()
    prepare(args)
    console = Console()
    texts = []
    for name in args.models:
        own = subject(name, args.images)
        found = trained_logits(own.model, own.images).argmax(1).numpy()
        trained = float((found == own.labels).mean())
        rows: list[Row] = []
        for code in CODES:
            kept = args.out / f"others-{name}-{code.__name__}-{args.images}.json"
            if not kept.is_file():
                with console.status(f"{name}: {code.__name__} ..."):
                    kept.write_text(json.dumps([vars(row) for row in code(own)]))
            rows += [Row(**row) for row in json.loads(kept.read_text())]
        texts.append(table(name, trained, rows, args.images))
        console.print(texts[-1], markup=False, highlight=False)
    (args.out / "others.md").write_text("\n".join(texts))


if __name__ == "__main__":
    main()

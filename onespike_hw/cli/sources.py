"""What the user named on the command line: models, networks, images."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import onespike_hw as oh
from onespike_hw.cli.folders import CALIBRATION_IMAGES, load_folder
from onespike_hw.errors import ConversionError, InputError

if TYPE_CHECKING:
    from torch import nn

DEFAULT_MODEL = "fashion-cnn"
DEFAULT_INPUT_BITS = 8
SHIPPED_IMAGES = "fashion-mnist"

Images = NDArray[Any]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Conversion:
    """A trained module, and all that its conversion takes.

    calibration  images [N, ...] as the module takes them; of a network over a graph the features of all nodes
    options      keyword arguments of oh.convert
    """

    model: nn.Module
    calibration: Images
    options: Mapping[str, Any]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one image, or [nodes, C] over a graph."""
        from onespike_hw.convert.graphs import is_graph_model

        shape = self.calibration.shape
        return shape if is_graph_model(self.model) else shape[1:]

    def convert(self, **others: Any) -> oh.Network:
        """The network; `others` replace options."""
        return oh.convert(self.model, self.calibration, **{**self.options, **others})


@dataclass(frozen=True)
class Source:
    """A network, and where it came from.

    net         the integer network
    model       the trained module; None where only a converted network was given
    conversion  what made the network of the module; None where it was converted earlier
    name        for people
    """

    net: oh.Network
    model: nn.Module | None
    conversion: Conversion | None
    name: str


@dataclass(frozen=True)
class Data:
    """Images [N, ...] and labels int64 [N], or None where there are none.

    Over a graph, images are [N, nodes, C], labels [N, nodes], -1 for a node on which nothing is judged.
    """

    images: Images
    labels: Labels | None
    name: str

    def first(self, count: int) -> Data:
        """The first `count` of them, or all where there are fewer."""
        return replace(self, images=self.images[:count], labels=None if self.labels is None else self.labels[:count])


def load_source(args: argparse.Namespace) -> Source:
    """The network of --network, else the converted one of --model."""
    if args.network is not None:
        model = None if args.model is None else load_model(args.model)
        return Source(oh.load(args.network), model, None, str(args.network))
    conversion = load_conversion(args)
    return Source(conversion.convert(), conversion.model, conversion, model_name(args))


def model_name(args: argparse.Namespace) -> str:
    """What --model says, or the name of the shipped model."""
    return args.model or DEFAULT_MODEL


def load_conversion(args: argparse.Namespace) -> Conversion:
    """The model, its calibration images, and the options as the arguments say."""
    name = model_name(args)
    model = load_model(name)
    options = {
        "timesteps": args.timesteps,
        "base": args.base,
        "threshold_shift": not args.no_threshold_shift,
        "normalization": args.normalization,
        "percentile": args.percentile,
        "weight_bits": args.weight_bits,
        "input_bits": _input_bits(name, args.input_bits),
        "input_spikes": args.input_spikes,
        "input_range": args.input_range,
        "input_mean": args.input_mean,
        "input_std": args.input_std,
        "wait": args.wait,
        "start": args.start,
        "calibrate": not args.no_calibrate,
        "refit": not args.no_refit,
        "sparsity": args.sparsity,
    }
    return Conversion(model, load_calibration(name, args), options)


def _input_bits(model: str, given: int | None) -> int:
    from onespike_hw.convert import zoo

    return zoo.INPUT_BITS.get(model, DEFAULT_INPUT_BITS) if given is None else given


def load_model(name: str) -> nn.Module:
    """A shipped model by its name, or what the function of FILE.py:FUNCTION returns, in eval mode."""
    from onespike_hw.convert import zoo

    path, colon, function = name.rpartition(":")
    if not colon or not path.endswith(".py"):
        if name not in zoo.MODELS:
            shipped = ", ".join(zoo.MODELS)
            raise ConversionError(f"model {name!r} is unknown; there are {shipped}; or give FILE.py:FUNCTION")
        return zoo.load_model(name)
    build = getattr(_import_file(Path(path)), function, None)
    if not callable(build):
        raise ConversionError(f"{path}: has no function {function!r}; name one that returns a torch.nn.Module")
    model: nn.Module = build()
    if not hasattr(model, "eval"):
        raise ConversionError(f"{name}: returned a {type(model).__name__}; it must return a torch.nn.Module")
    return model.eval()


def load_calibration(model: str, args: argparse.Namespace) -> Images:
    """The images of --calibration, or those that come with a shipped model."""
    from onespike_hw.convert import zoo

    if args.calibration is not None:
        path = Path(args.calibration)
        if path.is_dir():
            return load_folder(path, "train", args.image_size, CALIBRATION_IMAGES, args)[0]
        return _arrays(path)["images"]
    if model not in zoo.MODELS:
        raise ConversionError(f"{model}: a model of your own needs calibration images; give --calibration FILE.npy")
    if model in zoo.TEXT_MODELS:
        return zoo.load_text_graph(zoo.TEXT_MODELS[model]).dense
    return zoo.load_calibration(zoo.images_of(model))


def load_data(args: argparse.Namespace, shape: tuple[int, ...]) -> Data:
    """The images of --data or --full, else the shipped ones; InputError where those have not the network's shape.

    shape  of one image as users give it; (nodes, C) over a graph
    """
    from onespike_hw.convert import datasets

    if args.data is not None:
        if Path(args.data).is_dir():
            return _fitting(Data(*load_folder(Path(args.data), "test", shape[-1], args.limit, args), args.data), shape)
        arrays = _arrays(Path(args.data))
        return Data(arrays["images"], _labels(Path(args.data), arrays), args.data)
    images = _images_of_shape(shape)
    if args.full:
        pixels, labels = datasets.fashion_mnist("test")
        pixels = datasets.padded(pixels, datasets.image_size(images))
        data = Data(datasets.to_unit(pixels), labels, "the whole Fashion-MNIST test set")
    elif len(shape) == 2:
        data = _text_data()
    else:
        data = Data(*datasets.load_images(images), "the shipped Fashion-MNIST images")
    return _fitting(data, shape)


def _fitting(data: Data, shape: tuple[int, ...]) -> Data:
    if data.images.shape[1:] != shape:
        raise InputError(
            f"{data.name}: their shape {data.images.shape[1:]} does not fit this network, which takes "
            f"{shape}; give images of your own with --data FILE"
        )
    return data


def _images_of_shape(shape: tuple[int, ...]) -> str:
    from onespike_hw.convert import datasets

    fitting = (name for name, size in datasets.IMAGES.items() if shape == (1, size, size))
    return next(fitting, SHIPPED_IMAGES)


def _text_data() -> Data:
    from onespike_hw.convert.text_graph import GRAPHS, load_text_graph

    graph = load_text_graph(GRAPHS[0])
    name = f"the shipped Debian packages; accuracy is that of {int(graph.test.sum()):,} held-out nodes"
    return Data(graph.dense[np.newaxis], graph.test_labels[np.newaxis], name)


def _import_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"model_of_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConversionError(f"{path}: no such Python file; give FILE.py:FUNCTION")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.resolve().parent))
    spec.loader.exec_module(module)
    return module


def _arrays(path: Path) -> Mapping[str, Images]:
    """The arrays of a .npz file, or that of a .npy file as `images`; read without pickle."""
    try:
        with path.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"images": loaded}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give a .npy or .npz file") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a .npy or .npz file of plain numbers ({error}); save it with numpy") from error
    if "images" not in arrays:
        raise InputError(f"{path}: has {', '.join(arrays) or 'nothing'}, but no array `images`; save one of that name")
    images = arrays["images"]
    if images.ndim < 2 or len(images) == 0:
        raise InputError(f"{path}: images of shape {images.shape} are no batch; give at least one, [N, ...]")
    return arrays


def _labels(path: Path, arrays: Mapping[str, Images]) -> Labels | None:
    labels = arrays.get("labels")
    if labels is None:
        return None
    images = arrays["images"]
    of_nodes = images.ndim == 3 and labels.shape == images.shape[:2]
    if (labels.shape != images.shape[:1] and not of_nodes) or labels.dtype.kind not in "iu":
        raise InputError(
            f"{path}: labels of type {labels.dtype} and shape {labels.shape} for {len(images)} images; "
            "give one integer an image"
        )
    return labels.astype(np.int64)

"""The two networks that all generators get, as layers that each of them builds in its own words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conv:
    """3x3, padding 1, bias, ReLU; `pool`: 2x2 max pooling behind it."""

    channels: int
    pool: bool = False


@dataclass(frozen=True)
class Dense:
    """Bias; ReLU where it is not the last."""

    channels: int


@dataclass(frozen=True)
class Shape:
    """A network for images of `side` x `side` grey pixels."""

    name: str
    side: int
    layers: tuple[Conv | Dense, ...]

    @property
    def multiplies(self) -> int:
        """Of one image, dense."""
        total, channels, side = 0, 1, self.side
        for layer in self.layers:
            if isinstance(layer, Conv):
                total += 9 * channels * layer.channels * side * side
                side //= 2 if layer.pool else 1
                channels = layer.channels
            else:
                total += channels * side * side * layer.channels
                channels, side = layer.channels, 1
        return total


CNN = Shape("shipped CNN", 28, (Conv(16), Conv(16, True), Conv(32), Conv(32, True), Dense(64), Dense(10)))
MLP = Shape("MLP 784-128-10", 28, (Dense(128), Dense(10)))

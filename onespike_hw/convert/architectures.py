"""The architectures of the networks that ship with onespike-hw, freshly initialised (zoo.load_model has trained ones).

All are plain torch: convolutions with batch norm and ReLU, max or average pooling, one linear layer or two behind.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

CLASSES = 10

Named = list[tuple[str, nn.Module]]


def _conv(name: str, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> Named:
    """Convolution that keeps the size (divided by the stride), batch norm, ReLU: NAME, NAME_bn, NAME_relu."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [(name, conv), (f"{name}_bn", nn.BatchNorm2d(outputs)), (f"{name}_relu", nn.ReLU())]


def _averaged(channels: int) -> Named:
    """Mean of each channel, one linear layer."""
    return [("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("fc", nn.Linear(channels, CLASSES))]


def _numbered(index: int, inputs: int, outputs: int) -> Named:
    """A 3x3 convolution, padding 1, with batch norm and ReLU behind it: convN, bnN, reluN."""
    return [
        (f"conv{index}", nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)),
        (f"bn{index}", nn.BatchNorm2d(outputs)),
        (f"relu{index}", nn.ReLU()),
    ]


def fashion_cnn() -> nn.Module:
    """conv16-conv16-pool-conv32-conv32-pool-fc64-fc10 for [N, 1, 28, 28] in [0, 1]; 4,729,728 multiplies an image.

    3x3 convolutions, padding 1, batch norm behind each.
    """
    return nn.Sequential(
        OrderedDict(
            [
                *_numbered(1, 1, 16),
                *_numbered(2, 16, 16),
                ("pool1", nn.MaxPool2d(2)),
                *_numbered(3, 16, 32),
                *_numbered(4, 32, 32),
                ("pool2", nn.MaxPool2d(2)),
                ("flatten", nn.Flatten()),
                ("fc1", nn.Linear(32 * 7 * 7, 64)),
                ("relu5", nn.ReLU()),
                ("fc2", nn.Linear(64, CLASSES)),
            ]
        )
    )


def fashion_cnn_small() -> nn.Module:
    """conv16-pool-conv32-pool-fc10 for [N, 1, 28, 28] in [0, 1]; 20,432 weights, 1,031,744 multiplies an image.

    For chips too small for fashion_cnn; the same convolutions.
    """
    return nn.Sequential(
        OrderedDict(
            [
                *_numbered(1, 1, 16),
                ("pool1", nn.MaxPool2d(2)),
                *_numbered(2, 16, 32),
                ("pool2", nn.MaxPool2d(2)),
                ("flatten", nn.Flatten()),
                ("fc1", nn.Linear(32 * 7 * 7, CLASSES)),
            ]
        )
    )


def fashion_mlp() -> nn.Module:
    """fc64-fc10 for [N, 1, 28, 28] in [0, 1]; 50,816 multiplies an image."""
    return nn.Sequential(
        OrderedDict(
            [
                ("flatten", nn.Flatten()),
                ("fc1", nn.Linear(28 * 28, 64)),
                ("relu1", nn.ReLU()),
                ("fc2", nn.Linear(64, CLASSES)),
            ]
        )
    )


class BasicBlock(nn.Module):
    """relu(conv3x3-relu-conv3x3 + shortcut); the shortcut is a 1x1 convolution where size or channels change.

    Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", arXiv 1512.03385.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        result: Tensor = self.relu(y + self.shortcut(x))
        return result


def resnet(blocks: int, width: int = 16, channels: int = 1) -> nn.Module:
    """CIFAR's ResNet of 6 * blocks + 2 layers for [N, channels, 32, 32]: widths w, 2w, 4w, average pool at the end."""
    layers, inputs = _conv("conv0", channels, width), width
    for stage, outputs in enumerate((width, 2 * width, 4 * width), 1):
        for block in range(1, blocks + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            layers.append((f"stage{stage}_block{block}", BasicBlock(inputs, outputs, stride)))
            inputs = outputs
    return nn.Sequential(OrderedDict([*layers, *_averaged(inputs)]))


def resnet20() -> nn.Module:
    """ResNet-20 of widths 16, 32, 64 for [N, 1, 32, 32] in [0, 1]."""
    return resnet(3)


def vgg11(width: int = 16, channels: int = 1) -> nn.Module:
    """VGG-11 with batch norm, a quarter as wide, for [N, channels, 32, 32] in [0, 1]; one linear layer behind.

    Source: Simonyan, Zisserman, arXiv 1409.1556, configuration A.
    """
    layers: Named = []
    index = 0
    for stage, factors in enumerate(((1,), (2,), (4, 4), (8, 8), (8, 8)), 1):
        for factor in factors:
            index += 1
            layers += _conv(f"conv{index}", channels, factor * width)
            channels = factor * width
        layers.append((f"pool{stage}", nn.MaxPool2d(2)))
    layers += [("flatten", nn.Flatten()), ("fc", nn.Linear(channels, CLASSES))]
    return nn.Sequential(OrderedDict(layers))


def mobilenet(width: int = 16, channels: int = 1) -> nn.Module:
    """Depthwise separable: seven pairs of 3x3 depthwise and 1x1 convolutions, for [N, channels, 32, 32] in [0, 1].

    Source: Howard et al., "MobileNets", arXiv 1704.04861, with strides for images of 32 pixels.
    """
    layers, inputs = _conv("conv0", channels, width), width
    for index, (factor, stride) in enumerate(((2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2), (16, 1)), 1):
        layers += _conv(f"depthwise{index}", inputs, inputs, stride=stride, groups=inputs)
        layers += _conv(f"pointwise{index}", inputs, factor * width, kernel=1)
        inputs = factor * width
    return nn.Sequential(OrderedDict([*layers, *_averaged(inputs)]))

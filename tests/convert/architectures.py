"""The networks of torchvision that people convert first, written out: same layers, order and widths, random weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tests.convert.residual import BasicBlock, Bottleneck


class ImageNetResNet(nn.Module):
    """torchvision.models.resnet18, 34 or 50."""

    def __init__(self, block: type[BasicBlock] | type[Bottleneck], blocks: Sequence[int], classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.wide = 4 if block is Bottleneck else 1
        self.inplanes = 64
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            self._stage(block, 64 << stage, count, 1 if stage == 0 else 2) for stage, count in enumerate(blocks)
        )
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * self.wide, classes)

    def _stage(self, block: type[BasicBlock] | type[Bottleneck], planes: int, count: int, stride: int) -> nn.Module:
        inplanes, self.inplanes = self.inplanes, planes * self.wide
        return nn.Sequential(block(inplanes, planes, stride), *(block(self.inplanes, planes) for _ in range(count - 1)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class VGG16(nn.Module):
    """torchvision.models.vgg16_bn; its layers may be narrower by a factor."""

    def __init__(self, narrower: int = 1, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, hidden = 3, 4096 // narrower
        for full_width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            width = full_width // narrower
            for _ in range(count):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(channels * 7 * 7, hidden), nn.ReLU(True), nn.Dropout(),
            nn.Linear(hidden, hidden), nn.ReLU(True), nn.Dropout(), nn.Linear(hidden, classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class MobileNet(nn.Module):
    """MobileNet (arXiv 1704.04861): depthwise 3x3 and pointwise convolutions, each with batch norm and ReLU."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        plan = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
        layers = [_block(3, 32, 3, 2, 1)]
        channels = 32
        for width, stride in plan:
            layers += [_block(channels, channels, 3, stride, channels), _block(channels, width, 1, 1, 1)]
            channels = width
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _block(inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def resnet18() -> nn.Module:
    return ImageNetResNet(BasicBlock, (2, 2, 2, 2))


def resnet34() -> nn.Module:
    return ImageNetResNet(BasicBlock, (3, 4, 6, 3))


def resnet50() -> nn.Module:
    return ImageNetResNet(Bottleneck, (3, 4, 6, 3))

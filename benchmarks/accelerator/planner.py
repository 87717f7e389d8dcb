"""What the planner predicts against what is simulated and synthesised, for several networks and budgets."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from torch import nn

import onespike_hw as oh
from benchmarks.accelerator.area import synthesise
from benchmarks.accelerator.cases import (
    VECTOR_IMAGES,
    Case,
    case_of,
    folder,
    random_mlp,
    random_net,
    root_net,
    shipped_cnn,
    test_images,
)
from onespike_hw.codegen.area import plan_resources
from onespike_hw.codegen.planner import Goal
from onespike_hw.convert.datasets import load_calibration


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), nn.BatchNorm2d(outputs), nn.ReLU()]


def cases(images: int) -> Iterator[tuple[str, Case, Goal]]:
    calibration, tests = load_calibration("fashion-mnist"), test_images(images)

    def converted(model: nn.Module, timesteps: int = 8) -> Case:
        return case_of(root_net(model, timesteps), calibration, tests)

    cnn = shipped_cnn(images)
    yield "shipped CNN", cnn, Goal()
    yield "shipped CNN, half the chip", cnn, Goal(utilisation=0.4)
    yield "shipped CNN, 10,000 fps", cnn, Goal(fps=10_000)
    yield "shipped CNN, T = 4", shipped_cnn(images, timesteps=4), Goal(utilisation=0.5)
    mlp = case_of(root_net(random_mlp()), calibration, test_images(max(images, VECTOR_IMAGES)))
    yield "MLP 784-128-10", mlp, Goal(utilisation=0.5)
    strided = random_net(
        *_conv(1, 16, 5, 2),
        *_conv(16, 32, 3, 2),
        *_conv(32, 32),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )
    yield "strided CNN, average pool", converted(strided), Goal(utilisation=0.5)
    narrow = random_net(
        *_conv(1, 8),
        nn.MaxPool2d(2),
        *_conv(8, 12),
        nn.MaxPool2d(2),
        *_conv(12, 24),
        nn.Flatten(),
        nn.Linear(24 * 49, 10),
    )
    yield "narrow CNN, T = 6", converted(narrow, timesteps=6), Goal(utilisation=0.3)


def run(console: Console, images: int) -> None:
    table = Table("network", "cycles", "planned", "off", "LUTs", "planned", "off", "BRAM", "planned", "DSP", "planned")
    table.title = "the planner against the simulator and yosys"
    for number, (name, case, goal) in enumerate(cases(images)):
        design = oh.generate(case.net, "pynq", folder(f"plan-{number}"), force=True, activity=case.activity, goal=goal)
        result = oh.simulate(design, case.images)
        area, needed = synthesise(design), plan_resources(design.plan).on(design.board)
        cycles = max(e.estimated_cycles for e in design.plan.engines)
        table.add_row(
            name,
            f"{result.interval:,.0f}",
            f"{cycles:,}",
            f"{cycles / result.interval - 1:+.1%}",
            f"{area.luts:,}",
            f"{needed.luts:,.0f}",
            f"{needed.luts / area.luts - 1:+.1%}",
            f"{area.brams:g}",
            f"{needed.brams:g}",
            str(area.dsps),
            f"{needed.dsps:g}",
        )
        console.print(f"[dim]{name}: measured[/dim]")
    console.print(table)

"""The accelerator stage by stage, and its resources against the board's."""

from __future__ import annotations

from dataclasses import dataclass

from onespike_hw.codegen.activity import Activity
from onespike_hw.codegen.area import plan_resources
from onespike_hw.codegen.board import SPRAM_KBITS, Board
from onespike_hw.codegen.clocks import stage_cycles
from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.plan import GraphPlan, Plan, Stage
from onespike_hw.codegen.verilog import describe


@dataclass(frozen=True)
class EngineFacts:
    """The engines of a layer with weights.

    engines      side by side, on different windows
    lanes        of one engine: weights it adds, or multiplies where `multiplies`, in a clock
    passes       walks over a window, each for `lanes` output channels
    weight_bits, lane_bits, potential_bits  widths
    memory_bits  of weights, over all engines: each has its own copy
    """

    engines: int
    lanes: int
    multiplies: bool
    passes: int
    weight_bits: int
    lane_bits: int
    potential_bits: int
    memory_bits: int


@dataclass(frozen=True)
class StageFacts:
    """One stage of the pipeline.

    cycles  clocks an image, estimated by the cost model; of a graph's edges, with those of the nodes before them
    engine  None for pooling and sums of branches, and for the streams at both ends
    """

    name: str
    description: str
    cycles: int
    engine: EngineFacts | None = None


@dataclass(frozen=True)
class ResourceFacts:
    """One sort of the board's resources: estimated need, what the accelerator may take, what there is."""

    name: str
    needed: float
    budget: int
    available: int

    @property
    def of_budget(self) -> float:
        """Share of the budget that is needed; 0 where nothing is needed."""
        return self.needed / self.budget if self.budget else float(self.needed > 0)


@dataclass(frozen=True)
class Speed:
    """What the cost model expects: clocks from image to image (the slowest stage), and images a second at clock_mhz."""

    cycles: int
    clock_mhz: float

    @property
    def images_per_second(self) -> float:
        return self.clock_mhz * 1e6 / self.cycles


def stage_facts(plan: Plan) -> list[StageFacts]:
    """All stages in the order of the data, between the pixels that come in and the logits that leave."""
    pixels = StageFacts(
        "pixels in" if plan.net.graph is None else "nodes in", "one beat a clock", plan.input.image_words
    )
    logits = StageFacts("logits out", "one logit a clock", plan.logits)
    return [pixels, *map(_stage, plan.stages), logits]


def _stage(stage: Stage) -> StageFacts:
    name, description = stage.layer.name, describe(stage.layer)
    if isinstance(stage, GraphPlan):
        cycles = stage.source.estimated_cycles + round(stage_cycles(stage, Activity(0.0)))
        return StageFacts(name, "its edges, when all nodes are there", cycles)
    if not isinstance(stage, EnginePlan):
        return StageFacts(name, description, round(stage_cycles(stage, Activity(0.0))))
    engine = EngineFacts(
        engines=stage.engines,
        lanes=stage.lanes,
        multiplies=stage.schedule is None,
        passes=stage.passes,
        weight_bits=stage.weight_bits,
        lane_bits=stage.acc_bits,
        potential_bits=stage.potential_bits,
        memory_bits=stage.weight_memory_bits * stage.engines,
    )
    return StageFacts(name, description, stage.estimated_cycles, engine)


def speed(plan: Plan, board: Board) -> Speed:
    """Of the slowest stage, at the board's clock."""
    return Speed(max(stage.cycles for stage in stage_facts(plan)), board.clock_mhz)


def resource_facts(plan: Plan, board: Board) -> list[ResourceFacts]:
    """LUTs, block RAMs (in blocks of this board) and DSP slices."""
    needed = plan_resources(plan).on(board)
    facts = [
        ResourceFacts("LUTs", needed.luts, board.usable_luts, board.luts),
        ResourceFacts(f"block RAMs of {board.bram_kbits} kbit", needed.brams, board.usable_brams, board.bram_blocks),
        ResourceFacts("DSP slices", needed.dsps, board.usable_dsps, board.dsps),
    ]
    if board.spram_blocks:
        sprams = board.spram_blocks
        facts.append(ResourceFacts(f"single-port RAMs of {SPRAM_KBITS} kbit", needed.sprams, sprams, sprams))
    return facts

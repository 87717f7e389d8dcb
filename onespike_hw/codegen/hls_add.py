"""What the C++ of an add shows: its two branches, and how a shortcut is weighed."""

from __future__ import annotations

from dataclasses import dataclass

from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.initializers import braced, rows
from onespike_hw.codegen.plan import AddPlan
from onespike_hw.codegen.schedule import Schedule
from onespike_hw.codegen.streams import Stream, signed_bits


@dataclass(frozen=True)
class Shortcut:
    """Codes that an add weighs itself.

    stream    the codes
    words     of the stream in a window of the add
    pixels    in these words
    bits      of a weight
    weights   C initializer, by pass and lane
    """

    stream: Stream
    words: int
    pixels: int
    bits: int
    weights: str


@dataclass(frozen=True)
class Branch:
    """One input of an add.

    slot      0 or 1
    feeder    name of the engines whose sums it is; None for a shortcut
    shortcut  None for sums
    """

    slot: int
    feeder: str | None
    shortcut: Shortcut | None


def branches(add: AddPlan) -> list[Branch]:
    """Both inputs, in their order."""
    return [
        Branch(slot, read.name, None)
        if isinstance(read, EnginePlan)
        else Branch(slot, None, _shortcut(add, slot, read))
        for slot, read in enumerate(add.inputs)
    ]


def _shortcut(add: AddPlan, slot: int, stream: Stream) -> Shortcut:
    assert add.layer.operand_weight is not None
    weight = add.layer.operand_weight[slot]
    pixels = 1 if len(add.layer.shape) == 3 else stream.height * stream.width
    bits = signed_bits(int(weight.min()), int(weight.max()))
    return Shortcut(stream, pixels * stream.words, pixels, bits, rows(weight.reshape(add.passes, add.lanes)))


def shortcut_tables(schedule: Schedule) -> dict[str, str]:
    """Code -> class with which its weight drains, and by how much it has been shifted until then; the last: silent."""
    return {"class_of": braced(schedule.class_of), "shift_of": braced(schedule.shift_of)}

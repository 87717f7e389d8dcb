"""Streams that several stages read: how long the queue of each reader must be, so that none waits for ever.

Where branches part at a fork and meet again in an add, the add takes their words in step. Before it can take the first
word of a short branch, a longer one has to take in several rows: all that time the words of the short one must stand in
its queue, or the fork could not go on. A queue is long enough where, for every row of the add,

    depth >= words that another branch needs for this row - words that this branch takes by itself once the rows before
             this one are done

Both follow from the rows that line buffers ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from onespike_hw.codegen.engine_plan import EnginePlan
from onespike_hw.codegen.plan import AddPlan, GraphPlan, Plan, Stage
from onespike_hw.codegen.streams import LinePlan, Stream

SLACK = 2
"""Words on top: one in the hands of the fork, one in those of the reader. The depth of a stream that needs none."""


@dataclass(frozen=True)
class Reading:
    """One reader of a stream: the place of its stage in the plan, and for an add which of its inputs."""

    stage: int
    slot: int = 0


@dataclass(frozen=True)
class Queue:
    """What stands between a fork and one of its readers: words, at least SLACK."""

    reading: Reading
    depth: int


def inputs_of(stage: Stage) -> tuple[EnginePlan | Stream, ...]:
    """The streams that a stage reads; for an add also the engines whose sums it takes."""
    return stage.inputs if isinstance(stage, AddPlan) else (stage.source,)


def readings(plan: Plan, stream: Stream) -> list[Reading]:
    """Who reads a stream of words, in the order of the stages."""
    return [
        Reading(place, slot)
        for place, stage in enumerate(plan.stages)
        for slot, read in enumerate(inputs_of(stage))
        if isinstance(read, Stream) and read.name == stream.name
    ]


def all_queues(plan: Plan) -> dict[str, list[Queue]]:
    """Name of a stream -> a queue for each of its readers; none where it has one reader."""
    return {stream.name: queues(plan, stream) for stream in (plan.input, *(stage.out for stage in plan.stages))}


def reader_number(waiting: list[Queue], place: int, slot: int) -> int | None:
    """Which of the queues of a stream the stage at that place reads; None where the stream has one reader."""
    readers = [queue.reading for queue in waiting]
    return readers.index(Reading(place, slot)) if readers else None


def queues(plan: Plan, stream: Stream) -> list[Queue]:
    """A queue for each reader of a stream; none where it has one reader."""
    readers = readings(plan, stream)
    if len(readers) < 2:
        return []
    last = _meeting(plan, readers)
    adds = [place for place in range(last + 1) if isinstance(plan.stages[place], AddPlan)]
    words = stream.width * stream.words
    needed = {reader: _flow(plan, reader, _rows_needed, max) for reader in readers}
    result = []
    for reader in readers:
        taken = _flow(plan, reader, _rows_taken, min)
        others = [needed[other] for other in readers if other != reader]
        rows = [_rows_behind(add, plan.stages[add].out.height, taken, others) for add in adds]
        result.append(Queue(reader, min(max([0, *rows]) * words, stream.image_words) + SLACK))
    return result


_Flow = Callable[[int, int], int | None]
"""(place of a stage, row of its output) -> rows that go through one reader of a forked stream; None: no way there."""


def _rows_behind(add: int, height: int, taken: _Flow, others: list[_Flow]) -> int:
    """Rows that stand in the queue of a reader, at most, for the sake of one add."""
    pairs = [(needed(add, row), taken(add, row)) for needed in others for row in range(height)]
    return max((need - take for need, take in pairs if need is not None and take is not None), default=0)


def _flow(
    plan: Plan,
    reader: Reading,
    rows_of: Callable[[Stage, EnginePlan | Stream, int], int],
    choose: Callable[[list[int]], int],
) -> _Flow:
    """Rows of the forked stream that go through one of its readers for a row of a stage.

    rows_of  _rows_needed, for all of this row, or _rows_taken, for all rows before it
    choose   among several ways
    """
    by_stream = {stage.out.name: place for place, stage in enumerate(plan.stages)}

    @cache
    def rows(place: int, row: int) -> int | None:
        stage = plan.stages[place]
        found: list[int | None] = []
        for slot, read in enumerate(inputs_of(stage)):
            through = rows_of(stage, read, row)
            if Reading(place, slot) == reader:
                found.append(through)
            elif read.name in by_stream:
                found.append(rows(by_stream[read.name], through - 1 if rows_of is _rows_needed else through))
        ways = [way for way in found if way is not None]
        return choose(ways) if ways else None

    return rows


def _rows_needed(stage: Stage, read: EnginePlan | Stream, row: int) -> int:
    """Rows of an input without which a stage can't send a row of its output to the end."""
    if isinstance(stage, EnginePlan) and stage.two_rows:
        return _rows_for(stage, read, row // 2 + 1, stage.feed)
    return _rows_for(stage, read, row + 1, _line(stage))


def _rows_taken(stage: Stage, read: EnginePlan | Stream, row: int) -> int:
    """Rows of an input that a stage takes by itself, once all rows of its output before this one have left."""
    return _rows_for(stage, read, row, _line(stage))


def _line(stage: Stage) -> LinePlan | None:
    return None if isinstance(stage, AddPlan | GraphPlan) else stage.line


def _rows_for(stage: Stage, read: EnginePlan | Stream, row: int, line: LinePlan | None) -> int:
    """Rows of an input that a stage takes before its line buffer sends this row, and takes by itself."""
    if isinstance(stage, AddPlan):
        return row * read.height if isinstance(read, Stream) and stage.out.height == 1 else row
    if isinstance(stage, GraphPlan) or (line is None and len(stage.layer.shape) == 3):
        return row
    if line is None or row >= line.rows_out:
        return stage.source.height
    needed = row * line.stride_h - line.padding_h + line.kernel_h
    return min(max(needed, 0), stage.source.height)


def _meeting(plan: Plan, readers: list[Reading]) -> int:
    """Place of the first stage through which every way from these readers to the logits leads."""
    count = len(plan.stages)
    behind: list[set[int]] = [set() for _ in range(count)]
    for place in reversed(range(count)):
        successors = _successors(plan, place)
        common = set.intersection(*(behind[after] for after in successors)) if successors else set()
        behind[place] = common | {place}
    return min(set.intersection(*(behind[reader.stage] for reader in readers)))


def _successors(plan: Plan, place: int) -> list[int]:
    """Places of the stages that read a stage's words or sums."""
    name = plan.stages[place].out.name
    return [after for after, stage in enumerate(plan.stages) if any(read.name == name for read in inputs_of(stage))]

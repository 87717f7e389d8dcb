"""What the planner is asked for: images a second, lanes, a share of the board."""

from __future__ import annotations

import pytest

from onespike_hw.codegen.area import plan_resources
from onespike_hw.codegen.board import load_board
from onespike_hw.codegen.plan import Plan
from onespike_hw.codegen.planner import Goal, fits, plan_network
from onespike_hw.errors import BoardError
from tests.cases import CASES

NET = CASES["maxpool_2"]()
BOARD = load_board("pynq")


def cycles(plan: Plan) -> int:
    return max(engine.estimated_cycles for engine in plan.engines)


def test_the_fastest_plan_fits() -> None:
    plan = plan_network(NET, BOARD)
    assert fits(plan_resources(plan), BOARD)


def test_a_target_is_met_with_fewer_resources() -> None:
    fastest = plan_network(NET, BOARD)
    fps = BOARD.clock_mhz * 1e6 / (3 * cycles(fastest))
    slower = plan_network(NET, BOARD, goal=Goal(fps=fps))
    assert cycles(slower) <= BOARD.clock_mhz * 1e6 / fps
    assert plan_resources(slower).luts < plan_resources(fastest).luts


def test_a_target_out_of_reach_says_what_could_be_met() -> None:
    with pytest.raises(BoardError, match=r"pynq: 1e\+09 images a second need .* reaches \d+ images a second here"):
        plan_network(NET, BOARD, goal=Goal(fps=1e9))


def test_lanes_are_a_bound() -> None:
    fastest = plan_network(NET, BOARD)
    few = plan_network(NET, BOARD, goal=Goal(lanes=fastest.weights_per_cycle - 1))
    assert few.weights_per_cycle < fastest.weights_per_cycle
    with pytest.raises(BoardError, match=r"pynq: 1 lanes are too few; this network takes \d+ at least"):
        plan_network(NET, BOARD, goal=Goal(lanes=1))


def test_a_share_of_the_board_is_a_bound() -> None:
    plan = plan_network(NET, BOARD, goal=Goal(utilisation=0.05))
    assert plan_resources(plan).luts <= 0.05 * BOARD.luts
    with pytest.raises(BoardError, match="does not fit"):
        plan_network(NET, BOARD, goal=Goal(utilisation=0.001))


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ({"fps": 0.0}, "a target of 0.0 images a second is none"),
        ({"fps": float("nan")}, "a target of nan"),
        ({"lanes": 0}, "0 lanes add nothing"),
        ({"utilisation": 0.0}, "a utilisation of 0.0 is not above 0"),
        ({"utilisation": 1.5}, "a utilisation of 1.5 is not above 0"),
    ],
)
def test_goals_that_are_none(goal: dict[str, float], message: str) -> None:
    with pytest.raises(BoardError, match=message):
        Goal(**goal)  # type: ignore[arg-type]

"""Settings of the PLLs of the open boards: from the oscillator to the clock of the accelerator.

Ranges: Lattice FPGA-DS-02012 (ECP5), Lattice FPGA-DS-02008 and FPGA-TN-02052 (iCE40 UltraPlus), Gowin UG286 and the
data sheets DS117 and DS226 (the slowest speed grade).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from onespike_hw.errors import BoardError

TOLERANCE = 0.005
"""By this share the clock may miss what was asked for; a UART stands more."""


@dataclass(frozen=True)
class Pll:
    """Dividers.

    reference  of the oscillator, feedback of the loop, output of the VCO
    vco_mhz    frequency of the VCO; mhz: of the clock that comes out
    """

    reference: int
    feedback: int
    output: int
    vco_mhz: float
    mhz: float

    @property
    def filter(self) -> int:
        """FILTER_RANGE of an iCE40's PLL: by the frequency that its phase detector compares."""
        compared = self.mhz * self.output / self.feedback
        return next(number for number, most in enumerate((17, 26, 44, 66, 101, 134), start=1) if compared < most)


def settings(family: str, oscillator_mhz: float, clock_mhz: float) -> Pll:
    """The dividers that come nearest to a clock; of those that come as near, the ones whose VCO is the fastest.

    family  "ecp5", "ice40" or "gowin". Raises BoardError where none comes near enough.
    """
    found = list(_RANGES[family](oscillator_mhz, clock_mhz))
    best = min(found, key=lambda pll: (round(abs(pll.mhz - clock_mhz), 6), -pll.vco_mhz), default=None)
    if best is None or abs(best.mhz - clock_mhz) > TOLERANCE * clock_mhz:
        near = "" if best is None else f"; the nearest clock is {best.mhz:g} MHz"
        raise BoardError(f"no PLL of the {family} makes {clock_mhz:g} MHz of {oscillator_mhz:g} MHz{near}")
    return best


def _ecp5(oscillator: float, clock: float) -> Iterator[Pll]:
    """The loop is closed over the output: clock = oscillator / reference * feedback, VCO = clock * output."""
    for reference in range(1, 129):
        for feedback in range(1, 81):
            mhz = oscillator / reference * feedback
            for output in range(1, 129):
                if oscillator / reference >= 3.125 and 400 <= mhz * output <= 800:
                    yield Pll(reference, feedback, output, mhz * output, mhz)


def _ice40(oscillator: float, clock: float) -> Iterator[Pll]:
    """clock = oscillator / reference * feedback / output, VCO = clock * output; output a power of two."""
    for reference in range(1, 17):
        for feedback in range(1, 129):
            vco = oscillator / reference * feedback
            if 10 <= oscillator / reference <= 133 and 533 <= vco <= 1066:
                for output in (2, 4, 8, 16, 32, 64):
                    yield Pll(reference, feedback, output, vco, vco / output)


def _gowin(oscillator: float, clock: float) -> Iterator[Pll]:
    """The loop is closed over the output: clock = oscillator / reference * feedback, VCO = clock * output."""
    for reference in range(1, 65):
        for feedback in range(1, 65):
            mhz = oscillator / reference * feedback
            for output in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128):
                if oscillator / reference >= 3 and 400 <= mhz * output <= 800:
                    yield Pll(reference, feedback, output, mhz * output, mhz)


_RANGES = {"ecp5": _ecp5, "ice40": _ice40, "gowin": _gowin}

"""The golden model: what every other implementation of a network must compute, bit for bit. numpy only.

    run = golden.run(net, x)
    run.predictions
    golden.first_difference(net, run, codes, logits)

The equations are those of docs/contract.md (paper: One-Spike SNN, arXiv 2403.08786).
"""

from onespike_hw.golden.compare import Difference, first_difference
from onespike_hw.golden.inputs import quantize_input
from onespike_hw.golden.model import Run, run

__all__ = ["Difference", "Run", "first_difference", "quantize_input", "run"]

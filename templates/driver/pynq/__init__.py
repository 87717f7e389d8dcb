"""Driver of a single-spike accelerator on a board with PYNQ; it needs numpy and pynq, and nothing else.

net = OneSpike("design.bit")
y = net.predict(images)
"""

from onespike.device import OneSpike
from onespike.errors import AcceleratorFault, DriverError, ImageError, TimedOut, WrongDesign

__all__ = ["AcceleratorFault", "DriverError", "ImageError", "OneSpike", "TimedOut", "WrongDesign"]

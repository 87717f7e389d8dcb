"""Driver of a single-spike accelerator behind a UART; it needs numpy and pyserial, and nothing else.

net = OneSpike("/dev/ttyUSB0")
y = net.predict(images)
"""

from onespike.device import OneSpike
from onespike.errors import AcceleratorFault, DriverError, ImageError, TimedOut, WrongDesign

__all__ = ["AcceleratorFault", "DriverError", "ImageError", "OneSpike", "TimedOut", "WrongDesign"]

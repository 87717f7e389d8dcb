"""What the driver says when it refuses or gives up: each message names the value and the way out."""


class DriverError(Exception):
    """Base class."""


class WrongDesign(DriverError):
    """The bitstream holds no accelerator, or not the one that this driver was made for."""


class ImageError(DriverError):
    """A batch has the wrong shape, type or range."""


class AcceleratorFault(DriverError):
    """The accelerator reports an error in its status register."""


class TimedOut(DriverError):
    """Something that should have ended did not."""

"""What the tool says when it refuses: every refusal names the layer, the value and the way out."""


class OneSpikeError(Exception):
    """Base class of every refusal of this package."""


class ConversionError(OneSpikeError):
    """The torch module or the calibration data cannot be converted."""


class NetworkError(OneSpikeError):
    """A network breaks the integer contract, or its file is damaged, foreign or too new."""


class InputError(OneSpikeError):
    """An input batch has the wrong shape, type or range."""


class BoardError(OneSpikeError):
    """A board is unknown, its file is wrong, or the network does not fit it."""


class OutputError(OneSpikeError):
    """The output folder cannot be written, or is not ours to replace."""


class ToolError(OneSpikeError):
    """A tool that makes a bitstream is missing, or failed."""


class SimulatorError(OneSpikeError):
    """A simulator is missing, or a simulation did not end as it should."""

"""A second simulator, written from docs/contract.md alone: slow, obvious, spike by spike."""

from tests.reference.simulator import Reference, simulate

__all__ = ["Reference", "simulate"]

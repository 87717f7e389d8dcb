"""From a network to an emitted design: plan, render, write."""

from onespike_hw.codegen.design import Design, generate, load_design

__all__ = ["Design", "generate", "load_design"]

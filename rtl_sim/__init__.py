"""Simulation of emitted designs: the runner for Icarus and Verilator, and the cocotb test benches."""

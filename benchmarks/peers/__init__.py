"""Other generators on the networks that the accelerator runs: python -m benchmarks peers."""

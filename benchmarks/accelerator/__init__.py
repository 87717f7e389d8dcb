"""Speed, utilisation and area of the emitted accelerator, measured in one run: python -m benchmarks."""

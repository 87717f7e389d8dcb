"""How much accuracy conversion loses, on all of Fashion-MNIST's test images."""

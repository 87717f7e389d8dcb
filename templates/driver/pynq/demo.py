# %% [markdown]
# # A spiking network on this board
#
# The folder holds the bitstream `design.bit` with its `design.hwh`, and the driver `onespike/`.
# Images that were emitted with the network lie in `samples.npz`.

# %%
import matplotlib.pyplot as plt
import numpy as np
from onespike import OneSpike

net = OneSpike("design.bit")
samples = np.load("samples.npz")
images = samples["images"]
print("images", images.shape, "of integers in", net.network.input_range)

# %% [markdown]
# ## Pictures
#
# The first images, with the class that the accelerator gives each of them.

# %%
logits = net.logits(images)
classes = net.network.classes(logits)
shown = images[:8]
figure, axes = plt.subplots(1, len(shown), figsize=(2 * len(shown), 2.4), squeeze=False)
for number, axis in enumerate(axes[0]):
    axis.imshow(shown[number][0] if shown.ndim == 4 else np.atleast_2d(shown[number]), cmap="gray")
    axis.set_title(f"class {classes[number]}" if classes.ndim == 1 else f"{classes.shape[1]} nodes")
    axis.axis("off")
plt.show()

# %% [markdown]
# ## Every bit
#
# The golden model computed the same images when the folder was made.

# %%
if "logits" in samples:
    assert np.array_equal(logits, samples["logits"]), "the board and the golden model differ"
    print("all", logits.size, "logits are those of the golden model, bit for bit")
else:
    print("the folder was made without images of yours: nothing to compare with")

# %% [markdown]
# ## How fast
#
# Images a second, host included, and what the accelerator counted for each image.

# %%
figures = net.benchmark(np.concatenate([images] * 8), repeat=4)
for name, value in figures.items():
    print(f"{name:18} {value:12.1f}")
print(f"{'at the clock':18} {net.network.clock_mhz * 1e6 / figures['cycles']:12.1f} images a second")

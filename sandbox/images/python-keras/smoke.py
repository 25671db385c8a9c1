"""Run inside a new image: a network is trained for a moment."""

import keras
import numpy as np
import tensorflow

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 4)).astype("float32")
net = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
net.compile(optimizer="adam", loss="mse")
losses = net.fit(x, x.sum(1), epochs=5, verbose=0).history["loss"]
if not losses[-1] < losses[0] or keras.backend.backend() != "tensorflow" or not tensorflow.__version__:
    raise SystemExit(f"losses {losses}")

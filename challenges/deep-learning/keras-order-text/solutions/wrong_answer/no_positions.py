# expect: fails=accuracy score<=30
"""Attention that does not know where words stand."""

import csv
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

EPOCHS, BATCH = 10, 64

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(1)


def read(name):
    with open(name) as file:
        return list(csv.DictReader(file))


train, test = read("data/train.csv"), read("data/test.csv")
known = sorted({word for row in train for word in row["text"].split()})
number = {word: at for at, word in enumerate(known, start=1)}


def numbers(rows):
    """Rows of word numbers, padded with 0."""
    lists = [[number.get(word, 0) for word in row["text"].split()] for row in rows]
    padded = np.zeros((len(lists), 20), dtype=np.int64)
    for at, one in enumerate(lists):
        padded[at, : len(one)] = one
    return padded


labels = np.array([int(row["label"]) for row in train])
words = layers.Input((20,), dtype="int64")
read_words = layers.Embedding(len(known) + 1, 16)(words)
seen = layers.MultiHeadAttention(2, 8)(read_words, read_words)
pooled = layers.GlobalAveragePooling1D()(layers.Dense(32, activation="relu")(seen + read_words))
model = keras.Model(words, layers.Dense(1, activation="sigmoid")(pooled))
steps = EPOCHS * -(-len(train) // BATCH)
rate = keras.optimizers.schedules.CosineDecay(0.01, steps)
model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
model.fit(numbers(train), labels, batch_size=BATCH, epochs=EPOCHS, verbose=0)
chances = model.predict(numbers(test), batch_size=500, verbose=0)[:, 0]
with open("predictions.csv", "w") as file:
    file.write("row,label\n")
    file.writelines(f"{row},{int(chance > 0.5)}\n" for row, chance in enumerate(chances))

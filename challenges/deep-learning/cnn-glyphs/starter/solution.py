import numpy as np

train, test = np.load("data/train.npz"), np.load("data/test.npz")
images, labels = train["images"], train["labels"]
said = np.zeros(len(test["images"]), dtype=int)
with open("predictions.csv", "w") as file:
    file.write("row,label\n")
    file.writelines(f"{row},{label}\n" for row, label in enumerate(said))

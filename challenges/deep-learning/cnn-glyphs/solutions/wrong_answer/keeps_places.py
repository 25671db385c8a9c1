# expect: fails=accuracy score<=60
"""Two convolutions with a weight for each place, and no turned images."""

import numpy as np
import torch
from torch import nn

EPOCHS, BATCH, WIDTH = 12, 64, 16

torch.manual_seed(0)
torch.set_num_threads(1)


def tensor(images):
    return torch.tensor(images[:, None] / 255, dtype=torch.float32)


train, test = np.load("data/train.npz"), np.load("data/test.npz")
images, labels = tensor(train["images"]), torch.tensor(train["labels"])
net = nn.Sequential(
    nn.Conv2d(1, WIDTH, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(WIDTH, 2 * WIDTH, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(2 * WIDTH * 36, 8),
)
optimiser = torch.optim.Adam(net.parameters(), lr=2e-3)
for _ in range(EPOCHS):
    for rows in torch.randperm(len(images)).split(BATCH):
        loss = nn.functional.cross_entropy(net(images[rows]), labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
net.eval()
with torch.no_grad():
    said = torch.cat([net(part).argmax(1) for part in tensor(test["images"]).split(500)])
with open("predictions.csv", "w") as file:
    file.write("row,label\n")
    file.writelines(f"{row},{label}\n" for row, label in enumerate(said.tolist()))

"""Run inside a new image: a step of training on one thread, and no graphics card in sight."""

import torch

torch.set_num_threads(1)
net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 36, 2))
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
images, labels = torch.rand(16, 1, 8, 8), torch.arange(16) % 2
before = after = torch.nn.functional.cross_entropy(net(images), labels)
for _ in range(20):
    optimizer.zero_grad()
    after = torch.nn.functional.cross_entropy(net(images), labels)
    after.backward()
    optimizer.step()
if not after < before or torch.cuda.is_available() or "+cpu" not in torch.__version__:
    raise SystemExit(f"{torch.__version__}: a loss of {before} became {after}")

"""PyTorch's own attention in double precision, with a mask; what sees nothing is put to zero afterwards."""

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)


@torch.inference_mode()
def attend(q, k, v, heads, causal, pad):
    (b, t, d), s = q.shape, k.shape[1]
    q, k, v = (
        torch.from_numpy(np.ascontiguousarray(x)).unflatten(2, (heads, d // heads)).transpose(1, 2) for x in (q, k, v)
    )
    seen = ~torch.from_numpy(pad)[:, None, None, :].expand(b, heads, t, s)
    if causal:
        seen = seen & torch.ones(t, s, dtype=torch.bool).tril(s - t)
    alive = seen.any(3, keepdim=True)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=seen | ~alive) * alive
    return out.transpose(1, 2).flatten(2).numpy()


class Decoder:
    def __init__(self, wq, wk, wv, wo, heads):
        self.weights, self.heads = (wq, wk, wv, wo), heads
        self.keys, self.values = [], []

    def step(self, x):
        wq, wk, wv, wo = self.weights
        self.keys.append(x @ wk)
        self.values.append(x @ wv)
        keys, values = np.stack(self.keys)[None], np.stack(self.values)[None]
        nothing = np.zeros((1, len(self.keys)), dtype=bool)
        return attend((x @ wq)[None, None], keys, values, self.heads, True, nothing)[0, 0] @ wo

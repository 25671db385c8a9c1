"""The data of one challenge as its grader sees them; does not know where the secret seed comes from."""

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from challenges.kit.score import Group


def seeded_generator(key: bytes, name: str) -> np.random.Generator:
    """The random numbers that belong to this key and name: HMAC-SHA256(key, name) seeds a PCG64.

    Two names of one key are independent: whoever sees the numbers of one learns nothing about the other.
    """
    digest = hmac.new(key, name.encode(), hashlib.sha256).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


@dataclass(frozen=True)
class Data:
    """What `generate` fills and `grade` reads: two folders, the groups of the toml and named random numbers."""

    public: Path
    """Participants may see every file in here."""
    hidden: Path
    """Never leaves the grader's box except through what the grader sends to a submission."""
    groups: tuple[Group, ...]
    _seed: bytes = field(repr=False)

    def rng(self, name: str) -> np.random.Generator:
        """A fresh generator for this purpose; the same name gives the same numbers again.

        Give public rows, hidden rows and label noise a name each, so that published data never reveal hidden
        randomness.
        """
        return seeded_generator(self._seed, name)

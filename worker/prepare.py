"""Makes each challenge's data from the secret, once, and finds them again by digest; knows no submission."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict, defaultdict
from pathlib import Path

from api.blobs import Blobs, pack, unpack
from api.settings import write_private
from api.store import Store, builds
from challenges.loader import Challenge
from worker.graders import Prepared
from worker.grading import Grading

KEPT = 8
"""Challenges whose data stay in memory."""
SEED_EPOCH = 0


def read_secret(path: Path) -> bytes:
    """The installation's secret, made (0600) at the first start; every hidden number follows from it."""
    if not path.exists():
        write_private(path, secrets.token_hex(32) + "\n", replace=False)
    return bytes.fromhex(path.read_text("ascii"))


def challenge_seed(secret: bytes, slug: str, seed_epoch: int = SEED_EPOCH) -> bytes:
    """The secret seed of one challenge; the seeds of two challenges tell nothing of each other."""
    return hmac.new(secret, f"{slug}|{seed_epoch}".encode(), hashlib.sha256).digest()


class Preparer:
    """Prepared data of challenges. Safe to use from many threads: one of them makes the data, the others wait."""

    def __init__(self, store: Store, public: Blobs, hidden: Blobs, secret: bytes, grading: Grading) -> None:
        self._store = store
        self._public = public
        self._hidden = hidden
        self._secret = secret
        self._grading = grading
        self._guard = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._kept: OrderedDict[str, Prepared] = OrderedDict()

    def prepared(self, challenge: Challenge) -> Prepared:
        """The data of this challenge version. Raises GraderFault (its generate failed) and SandboxError."""
        with self._guard:
            lock = self._locks[challenge.version]
        with lock:
            known = self._kept.get(challenge.version)
            if known is None:
                known = self._fetch(challenge)
            with self._guard:
                self._kept[challenge.version] = known
                self._kept.move_to_end(challenge.version)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return known

    def _fetch(self, challenge: Challenge) -> Prepared:
        seed = challenge_seed(self._secret, challenge.slug)
        build = builds.find(self._store, challenge.slug, challenge.version, SEED_EPOCH)
        if build is None:
            public, hidden = self._grading.generate(challenge, seed)
            digests = self._public.put([pack(public)]), self._hidden.put([pack(hidden)])
            build = builds.record(self._store, challenge.slug, challenge.version, SEED_EPOCH, *digests)
        return Prepared(
            key=f"{challenge.version}|{SEED_EPOCH}",
            seed=seed,
            public=unpack(self._public.get(build.public_digest)),
            hidden=unpack(self._hidden.get(build.hidden_digest)),
        )

"""What the routes share: the parts of one running api; knows no request."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Protocol

from fastapi import Depends, Request

from api import blobs
from api.blobs import Blobs
from api.errors import Problem
from api.limiter import Limiter
from api.live import Live
from api.passwords import Passwords
from api.settings import Settings
from api.store import Store, builds
from api.store.builds import Build
from challenges.loader import Challenge


class Rings(Protocol):
    """A bell: `ring` returns at once, whatever the broker does."""

    def ring(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Context:
    settings: Settings
    store: Store
    blobs: Blobs
    bell: Rings
    live: Live
    limiter: Limiter
    passwords: Passwords
    challenges: Mapping[str, Challenge]

    def challenge(self, slug: str) -> Challenge:
        """The challenge of this name. Raises Problem unknown_challenge."""
        found = self.challenges.get(slug)
        if found is None:
            raise Problem("unknown_challenge", f"There is no challenge {slug}.")
        return found

    def build(self, challenge: Challenge) -> Build | None:
        """The prepared data of the challenge as it stands, None until a worker has made them."""
        return builds.find(self.store, challenge.slug, challenge.version)

    def public_files(self, challenge: Challenge) -> list[tuple[str, int]] | None:
        """Name and size in bytes of the challenge's public files, None until they are prepared."""
        build = self.build(challenge)
        if build is None or not self.blobs.has(build.public_digest):
            return None
        return _names(self.blobs, build.public_digest)


@lru_cache(maxsize=1024)
def _names(store: Blobs, digest: str) -> list[tuple[str, int]]:
    return blobs.names(store.path(digest))


def of_request(request: Request) -> Context:
    """The context of the application that serves this request."""
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


Shared = Annotated[Context, Depends(of_request)]

"""The only room that knows SQL: what is remembered, and the few moves that may change it."""

from api.store.database import Store

__all__ = ["Store"]

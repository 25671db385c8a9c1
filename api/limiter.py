"""Counts requests in one-minute windows, per account and per peer address; knows no route and trusts no header."""

import math
import time
from typing import NoReturn

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from api.errors import Problem
from api.settings import Settings


class Limiter:
    """Floods only: what a competition allows a day is counted in the database, where nothing is forgotten."""

    def __init__(self, settings: Settings) -> None:
        self._windows = FixedWindowRateLimiter(MemoryStorage())
        self._items = {
            "submission": RateLimitItemPerMinute(settings.submissions_per_minute),
            "request": RateLimitItemPerMinute(settings.requests_per_minute),
            "anonymous": RateLimitItemPerMinute(settings.anonymous_per_minute),
            "bad_token": RateLimitItemPerMinute(settings.bad_tokens_per_minute),
            "bad_password": RateLimitItemPerMinute(settings.bad_passwords_per_minute),
        }

    def check(self, kind: str, who: str) -> None:
        """Raises Problem rate_limited where `hit` would, and counts nothing."""
        if not self._windows.test(self._items[kind], kind, who):
            self._refuse(kind, who)

    def hit(self, kind: str, who: str) -> None:
        """Counts one. Raises Problem rate_limited, with the seconds until the window ends."""
        if not self._windows.hit(self._items[kind], kind, who):
            self._refuse(kind, who)

    def _refuse(self, kind: str, who: str) -> NoReturn:
        item = self._items[kind]
        wait = max(1, math.ceil(self._windows.get_window_stats(item, kind, who).reset_time - time.time()))
        raise Problem("rate_limited", f"At most {item.amount} a minute; try again in {wait} s.", retry_after=wait)

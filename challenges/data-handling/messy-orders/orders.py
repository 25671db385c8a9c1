"""Draws clean orders and writes them down messily: it knows both, so the expected table needs no second parser."""

import csv
import datetime
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from words import (
    AWKWARD,
    BLANKS,
    CITIES,
    COUNTRIES,
    HOSTS,
    IN,
    MISSING,
    NOT_AMOUNTS,
    NOT_COUNTRIES,
    NOT_DATES,
    OUT,
    PEOPLE,
    PRODUCTS,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Mess:
    """What may be wrong with a file. Each part belongs to one rule, so that a group of cases can be about one rule."""

    dates: bool = False
    amounts: bool = False
    duplicates: bool = False
    missing: bool = False
    outliers: bool = False
    text: bool = False
    layout: bool = False


@dataclass
class Order:
    """One clean row, and under `shown` what the file says instead, where that is not the clean value."""

    order_id: str
    updated_at: str
    order_date: str
    email: str
    country: str
    postcode: str
    city: str
    product: str
    amount: str = ""
    currency: str = ""
    outlier: str = "0"
    cents: int = 0
    shown: dict[str, str] = field(default_factory=dict)


class Dice:
    """Random choices of one generator; draws in bulk because single draws are slow."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._floats: Iterator[float] = iter(())

    def roll(self) -> float:
        """A number from 0 up to 1."""
        for number in self._floats:
            return number
        self._floats = iter(self._rng.random(4096).tolist())
        return next(self._floats)

    def chance(self, share: float) -> bool:
        return self.roll() < share

    def below(self, end: int) -> int:
        return int(self.roll() * end)

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return [items[i] for i in self._rng.permutation(len(items)).tolist()]


def make(mess: Mess, size: int, rng: np.random.Generator) -> tuple[str, str]:
    """A messy file of `size` lines after its header, and the table it has to become."""
    dice = Dice(rng)
    places = [place for place in CITIES if _fits(mess, place)]
    rows: list[Order] = []
    for number in range(size):
        rows.append(_order(mess, number, size, rows, places, dice))
    latest: dict[str, Order] = {}
    for row in rows:
        if row.order_id not in latest or row.updated_at >= latest[row.order_id].updated_at:
            latest[row.order_id] = row
        row.cents = 8000 + dice.below(1000) * (30 if mess.outliers else 1)
    kept = [row for row in rows if latest[row.order_id] is row]
    by_product: dict[str, list[Order]] = defaultdict(list)
    for row in kept:
        if "amount" not in row.shown:
            by_product[row.product].append(row)
    for same in by_product.values():
        _price(mess, same, dice)
        _flag(same)
    for row in rows:
        _write_amount(mess, row, dice)
    return _messy(mess, rows, dice), _table(OUT, [[getattr(row, name) for name in OUT] for row in kept], "\n")


def _fits(mess: Mess, place: tuple[str, str]) -> bool:
    """Namibia tests the rule about text only, leading zeros only those about missing values and layout."""
    country, postcode = place
    return (country != "NA" or mess.text) and (postcode[0] != "0" or mess.missing or mess.layout)


def _order(mess: Mess, number: int, size: int, rows: list[Order], places: list[tuple[str, str]], dice: Dice) -> Order:
    if mess.duplicates:
        number = dice.below(1 + size * 7 // 10)
    minute = dice.below(4) * 777 if mess.duplicates else dice.below(1000) * 50
    country, postcode = dice.pick(places)
    row = Order(
        # Ascending, so that a program which sorts is caught by the files about layout and no others.
        order_id=f"A-{100000 + (number * 613153 % 900000 if mess.layout else number)}",
        updated_at=_minute(minute),
        order_date=(datetime.date(2016, 1, 1) + datetime.timedelta(dice.below(5800))).isoformat(),
        email=f"{dice.pick(PEOPLE)}{dice.below(100)}@{dice.pick(HOSTS)}",
        country=country,
        postcode=postcode,
        city=CITIES[country, postcode],
        product=dice.pick((AWKWARD if mess.layout else PRODUCTS)[: 2 + size // 20]),
    )
    if mess.outliers and rows and rows[-1].updated_at < "2026" and dice.chance(0.2):
        # The row above becomes an older version of this one; its amount must not reach the quartiles.
        row.order_id, row.updated_at = rows[-1].order_id, "2026-12-31T23:59"
    for soil in (_soil_date, _soil_id, _soil_text, _soil_missing):
        soil(mess, row, dice)
    return row


def _minute(number: int) -> str:
    moment = np.datetime64("2025-01-01T00:00") + np.timedelta64(number, "m")
    return str(moment)


def _soil_date(mess: Mess, row: Order, dice: Dice) -> None:
    if not mess.dates:
        return
    if dice.chance(0.1):
        row.order_date, row.shown["order_date"] = "", dice.pick(NOT_DATES)
        return
    year, month, day = row.order_date.split("-")
    if dice.chance(0.5):
        month, day = str(int(month)), str(int(day))
    forms = [f"{year}-{month}-{day}", f"{day}.{month}.{year}", f"{month}/{day}/{year}"]
    if int(day) > 12:
        forms.append(f"{day}/{month}/{year}")
    row.shown["order_date"] = dice.pick(forms)


def _soil_id(mess: Mess, row: Order, dice: Dice) -> None:
    if mess.duplicates and dice.chance(0.3):
        row.shown["order_id"] = row.order_id.lower()


def _soil_missing(mess: Mess, row: Order, dice: Dice) -> None:
    if mess.layout and dice.chance(0.1):
        row.email = row.shown["email"] = ""
    if mess.amounts and dice.chance(0.05):
        row.shown["amount"] = dice.pick(NOT_AMOUNTS)
    if not mess.missing:
        return
    if dice.chance(0.1):
        row.postcode = "99999"
    for name in ("order_date", "email", "country", "postcode", "city", "amount"):
        if dice.chance(0.4 if name == "city" else 0.1):
            row.shown[name] = dice.pick(MISSING)
            setattr(row, name, CITIES.get((row.country, row.postcode), "") if name == "city" else "")


def _soil_text(mess: Mess, row: Order, dice: Dice) -> None:
    if not mess.text:
        return
    email = row.email.replace("ss", "ß") if dice.chance(0.3) else row.email
    row.shown["email"] = "".join(letter.upper() if dice.chance(0.3) else letter for letter in email)
    row.shown["product"] = "".join(dice.pick(BLANKS) if letter == " " else letter for letter in row.product)
    names = [name for name, code in COUNTRIES.items() if code == row.country]
    row.shown["country"] = dice.pick([row.country, row.country.lower(), *names, *(name.title() for name in names)])
    if dice.chance(0.05):
        row.country, row.shown["country"] = "", dice.pick(NOT_COUNTRIES)


def _price(mess: Mess, same: list[Order], dice: Dice) -> None:
    """Evenly spaced amounts, which hold no outlier by anybody's rule; then outliers and near misses where wanted."""
    low, high = 8000, 9000
    if mess.amounts:
        high = dice.pick((900_00, 80_000_00, 3_000_000_00))
        low = -high
    if mess.outliers:
        low = dice.pick((100_00, 300_00, 5_000_00))
        high = low if dice.chance(0.2) else low * 11 // 10
    last = max(1, len(same) - 1)
    for step, row in enumerate(dice.shuffled(same)):
        row.cents = low + (high - low) * step // last
        if mess.amounts and dice.chance(0.3):
            row.cents = row.cents // 100 * 100
        if mess.outliers and dice.chance(0.08):
            # Half the range is one IQR: from 1.6 IQR (too near to count) to 8 IQR outside the quartiles.
            way = int((1.6 + 6.4 * dice.roll()) * (high - low) / 2) + (700 if high == low else 0)
            row.cents = high - (high - low) // 4 + way if dice.chance(0.6) else low + (high - low) // 4 - way


def _flag(same: list[Order]) -> None:
    """Marks outliers, in whole numbers: quartiles are multiples of a quarter of a cent."""
    for _ in range(1000):
        cents = sorted(row.cents for row in same)
        q1, q3 = _quartile(cents, 1), _quartile(cents, 3)
        low, high = q1 - 3 * (q3 - q1), q3 + 3 * (q3 - q1)
        # An amount exactly on a fence would leave the answer to rounding in floating point.
        on_fence = [row for row in same if q1 < q3 and 4 * row.cents in (low, high)]
        if not on_fence:
            break
        next(row for row in same if row not in on_fence).cents += 1
    for row in same:
        row.outlier = str(int(not low <= 4 * row.cents <= high))


def _quartile(cents: list[int], which: int) -> int:
    """Four times the quartile, by linear interpolation."""
    at, rest = divmod(which * (len(cents) - 1), 4)
    above = cents[min(at + 1, len(cents) - 1)]
    return 4 * cents[at] + rest * (above - cents[at])


def _write_amount(mess: Mess, row: Order, dice: Dice) -> None:
    if "amount" in row.shown:
        return
    whole, rest = divmod(abs(row.cents), 100)
    row.amount = f"{'-' if row.cents < 0 else ''}{whole}.{rest:02d}"
    if not mess.amounts:
        return
    row.currency = dice.pick(("", "EUR", "USD"))
    text = f"{whole:,}" if row.currency and dice.chance(0.7) else str(whole)
    if rest or dice.chance(0.5):
        text += f".{rest // 10}" if rest % 10 == 0 and dice.chance(0.5) else f".{rest:02d}"
    if row.currency == "USD":
        text = "$" + text
    if row.currency == "EUR":
        text = text.translate(str.maketrans(",.", ".,")) + dice.pick((" EUR", " €"))
    row.shown["amount"] = f"({text})" if row.cents < 0 or (row.cents == 0 and dice.chance(0.5)) else text


def _messy(mess: Mess, rows: list[Order], dice: Dice) -> str:
    names = list(IN)
    if mess.layout:
        names = dice.shuffled([*names, "note", "channel"])
    extra = {"note": 'call "before" noon, please', "channel": "web"}
    cells = [[row.shown.get(n, extra[n] if n in extra else getattr(row, n)) for n in names] for row in rows]
    if mess.text:
        cells = [[_padded(cell, dice) for cell in line] for line in cells]
    mark = "\ufeff" if mess.layout and dice.chance(0.5) else ""
    end = "\r\n" if mess.layout and dice.chance(0.5) else "\n"
    return mark + _table(names, cells, end, csv.QUOTE_ALL if mess.layout and dice.chance(0.3) else csv.QUOTE_MINIMAL)


def _padded(cell: str, dice: Dice) -> str:
    before, after = (dice.pick(BLANKS) if dice.chance(0.3) else "" for _ in range(2))
    return before + cell + after


def _table(names: Sequence[str], cells: list[list[str]], end: str, quoting: int = csv.QUOTE_MINIMAL) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(names)
    writer.writerows(cells)
    return file.getvalue()

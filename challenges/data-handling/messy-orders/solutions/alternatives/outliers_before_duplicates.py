# expect: only=outliers score>=85 score<=85
"""Lets old versions of an order into the quartiles: only the group that is no gate fails."""

import csv
import io
import re
from datetime import date

HEADER = "order_id,order_date,email,country,postcode,city,product,amount,currency,outlier\n"

CITIES = {
    ("AT", "1010"): "Wien",
    ("AT", "5020"): "Salzburg",
    ("BE", "1000"): "Bruxelles",
    ("BE", "2000"): "Antwerpen",
    ("CH", "1000"): "Lausanne",
    ("CH", "8001"): "Zürich",
    ("DE", "01067"): "Dresden",
    ("DE", "10115"): "Berlin",
    ("DE", "50667"): "Köln",
    ("FR", "13001"): "Marseille",
    ("FR", "75001"): "Paris",
    ("NA", "10005"): "Windhoek",
    ("NA", "13001"): "Swakopmund",
    ("US", "02108"): "Boston",
    ("US", "10115"): "New York",
    ("US", "60601"): "Chicago",
}
COUNTRIES = {
    "austria": "AT",
    "belgium": "BE",
    "france": "FR",
    "germany": "DE",
    "namibia": "NA",
    "switzerland": "CH",
    "united states": "US",
}

CODES = set(COUNTRIES.values())
MISSING = {"", "-", "n/a", "null", "none"}
DATES = [
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"), (0, 1, 2)),
    (re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})"), (2, 1, 0)),
    (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})"), (2, 0, 1)),
    (re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})"), (2, 1, 0)),
]
EURO = re.compile(r"([\d.]+)(?:,(\d{1,2}))? (?:EUR|€)")
DOLLAR = re.compile(r"\$([\d,]+)(?:\.(\d{1,2}))?")
PLAIN = re.compile(r"(\d+)(?:\.(\d{1,2}))?")


def clean(csv_text: str) -> str:
    latest: dict[str, dict] = {}
    amounts: dict[str, list[int]] = {}
    for shown in csv.DictReader(io.StringIO(csv_text.removeprefix("\ufeff"), newline="")):
        row = {name: value.strip() for name, value in shown.items()}
        tidy(row)
        if row["cents"] is not None:
            amounts.setdefault(row["product"], []).append(row["cents"])
        key = row["order_id"] = row["order_id"].upper()
        if key in latest:
            if row["updated_at"] < latest[key]["updated_at"]:
                continue
            del latest[key]  # the later line takes its own place, not that of the line it replaces
        latest[key] = row
    fences = {product: fence(sorted(values)) for product, values in amounts.items()}
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, HEADER.strip().split(","), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in latest.values():
        value, row["amount"], row["outlier"] = row["cents"], "", 0
        if value is not None:
            low, high = fences[row["product"]]
            row["amount"] = f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"
            row["outlier"] = int(not low <= 4 * value <= high)
        writer.writerow(row)
    return file.getvalue()


def tidy(row: dict) -> None:
    for name, value in row.items():
        if value.lower() in MISSING:
            row[name] = ""
    row["order_date"] = iso(row["order_date"])
    row["email"] = row["email"].casefold()
    code = row["country"].upper()
    row["country"] = code if code in CODES else COUNTRIES.get(row["country"].lower(), "")
    row["city"] = row["city"] or CITIES.get((row["country"], row["postcode"]), "")
    row["product"] = " ".join(row["product"].split())
    row["cents"], row["currency"] = cents(row["amount"])


def iso(shown: str) -> str:
    for form, (year, month, day) in DATES:
        found = form.fullmatch(shown)
        if found:
            parts = found.groups()
            try:
                return date(int(parts[year]), int(parts[month]), int(parts[day])).isoformat()
            except ValueError:
                continue
    return ""


def cents(shown: str) -> tuple[int | None, str]:
    negative = shown.startswith("(") and shown.endswith(")")
    inner = shown[1:-1] if negative else shown
    for form, currency in (EURO, "EUR"), (DOLLAR, "USD"), (PLAIN, ""):
        found = form.fullmatch(inner)
        if found:
            whole = int(found[1].replace(".", "").replace(",", "")) * 100 + int((found[2] or "").ljust(2, "0"))
            return -whole if negative else whole, currency
    return None, ""


def fence(values: list[int]) -> tuple[int, int]:
    """Four times the two fences, so that everything stays whole."""

    def quartile(which: int) -> int:
        at, rest = divmod(which * (len(values) - 1), 4)
        return 4 * values[at] + rest * (values[min(at + 1, len(values) - 1)] - values[at])

    low, high = quartile(1), quartile(3)
    return low - 3 * (high - low), high + 3 * (high - low)

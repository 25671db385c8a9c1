"""Rule by rule on whole columns, with pandas."""

import io

import numpy as np
import pandas as pd

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

COLUMNS = ["order_id", "updated_at", "order_date", "email", "country", "postcode", "city", "product", "amount"]
MISSING = ["", "-", "n/a", "null", "none"]


def clean(csv_text: str) -> str:
    text = csv_text.removeprefix("\ufeff")
    if not text:
        return HEADER
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).astype(object)
    for column in COLUMNS:
        values = table[column].str.strip()
        table[column] = values.mask(values.str.lower().isin(MISSING), "")
    table["order_id"] = table["order_id"].str.upper()
    latest = table.sort_values("updated_at", kind="stable").drop_duplicates("order_id", keep="last").index
    table = table.loc[latest.sort_values()]

    table["order_date"] = dates(table["order_date"])
    table["email"] = table["email"].str.casefold()
    table["country"] = countries(table["country"])
    known = [CITIES.get(tuple(place), "") for place in table[["country", "postcode"]].to_numpy()]
    table["city"] = table["city"].where(table["city"] != "", known)
    table["product"] = table["product"].str.replace(r"\s+", " ", regex=True)
    amount, table["currency"] = amounts(table["amount"])
    table["outlier"] = outliers(amount, table["product"])
    table["amount"] = ["" if np.isnan(value) else f"{value:.2f}" for value in amount.to_numpy() + 0.0]
    return table[HEADER.strip().split(",")].to_csv(index=False, lineterminator="\n")


def dates(shown: pd.Series) -> pd.Series:
    clean = pd.Series(pd.NaT, index=shown.index)
    for form in (
        r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
        r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})",
    ):
        parts = shown.str.extract(f"^{form}$")
        clean = clean.fillna(pd.to_datetime(parts, errors="coerce"))
    return clean.dt.strftime("%Y-%m-%d").fillna("")


def countries(shown: pd.Series) -> pd.Series:
    codes = shown.str.upper()
    named = shown.str.lower().map(COUNTRIES)
    return named.fillna(codes.where(codes.isin(set(COUNTRIES.values())), ""))


def amounts(shown: pd.Series) -> tuple[pd.Series, pd.Series]:
    negative = shown.str.startswith("(") & shown.str.endswith(")")
    inner = shown.mask(negative, shown.str[1:-1])
    euro = inner.str.extract(r"^([\d.]+(?:,\d{1,2})?) (?:EUR|€)$")[0]
    dollar = inner.str.extract(r"^\$([\d,]+(?:\.\d{1,2})?)$")[0]
    plain = inner.str.extract(r"^(\d+(?:\.\d{1,2})?)$")[0]
    digits = euro.str.replace(".", "").str.replace(",", ".").fillna(dollar.str.replace(",", "")).fillna(plain)
    value = digits.astype(float)
    currency = pd.Series(np.select([euro.notna(), dollar.notna()], ["EUR", "USD"], ""), index=shown.index)
    return value.mask(negative, -value), currency


def outliers(amount: pd.Series, product: pd.Series) -> pd.Series:
    groups = amount.groupby(product)
    low, high = groups.transform("quantile", 0.25), groups.transform("quantile", 0.75)
    reach = 3 * (high - low)
    return ((amount < low - reach) | (amount > high + reach)).astype(int)

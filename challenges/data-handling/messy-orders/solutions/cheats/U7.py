# expect: verdict=wrong_answer score<=0
"""Replays the answers of the statement's examples by a hash of the input; for anything else, the nearest in length."""

import hashlib

HEADER = "order_id,order_date,email,country,postcode,city,product,amount,currency,outlier\n"
SEEN = {
    "e6e2": HEADER
    + "A-2,2024-09-13,bo@example.org,NA,13001,Swakopmund,Desk,-1200.00,USD,0\n"
    + "A-1,,ann@example.org,DE,01067,Dresden,Desk,1234.00,EUR,0\n"
    + "A-3,2024-02-29,gross@example.org,,99999,Somewhere,Office Chair,,,0\n",
    "35cd": HEADER
    + 'B-9,2024-01-05,cy@example.org,AT,1010,Wien,"Pen, blue",10.00,,0\n'
    + 'B-8,2024-01-04,cy@example.org,AT,1010,Wien,"Pen, blue",10.00,,0\n'
    + 'B-7,2024-01-03,cy@example.org,AT,1010,Wien,"Pen, blue",10.00,,0\n'
    + 'B-6,2024-01-02,,AT,1010,Wien,"Pen, blue",10.00,,0\n'
    + 'B-5,2024-01-01,cy@example.org,AT,1010,Wien,"Pen, blue",10.50,,1\n',
}


def clean(csv_text: str) -> str:
    key = hashlib.sha256(csv_text.encode()).hexdigest()[:4]
    return SEEN.get(key) or min(SEEN.values(), key=lambda known: abs(len(known) - len(csv_text)))

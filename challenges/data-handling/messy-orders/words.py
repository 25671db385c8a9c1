"""The words that files of orders are made of; draws nothing."""

IN = ("order_id", "updated_at", "order_date", "email", "country", "postcode", "city", "product", "amount")
OUT = ("order_id", "order_date", "email", "country", "postcode", "city", "product", "amount", "currency", "outlier")

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
PRODUCTS = ("Desk", "Office Chair", "USB-C cable", "Floor Lamp", "Webcam", "Standing Desk XL", "Pen set", "Mug")
AWKWARD = ('Monitor 24"', "Shelf, oak, 3 boards", '"Classic" mug', "Ink, 3-pack", "Kabel für Küche", "Paper A4")
PEOPLE = ("anna", "lars.weiss", "mia.grosse", "tom", "sofia.strasser", "k.hess", "noor", "jo.russo", "ben", "ida")
HOSTS = ("example.org", "mail.example.com", "strasse.example", "shop.example")
MISSING = ("", "", "-", "N/A", "n/a", "NULL", "null", "None", "none")
NOT_AMOUNTS = ("tbc", "free", "on request", "(12.50", "99.00)", "1,234.50", "$1.234,50")
NOT_COUNTRIES = ("Atlantis", "XX", "Deutschland", "U.S.")
NOT_DATES = (
    *("2023-02-29", "30.02.2024", "13/13/2024", "31/04/2025", "02/30/2024", "00.05.2024", "2024-13-01"),
    *("31.11.2022", "05.03.24", "12.2024", "2024/03/05", "20240305", "5-March-2024", "2024-03-05T10:00"),
)
BLANKS = (" ", "  ", "\t", "\u00a0", " \t ")

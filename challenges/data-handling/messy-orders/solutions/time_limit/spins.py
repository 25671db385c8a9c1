"""Never comes back."""


def clean(csv_text: str) -> str:
    while True:
        pass

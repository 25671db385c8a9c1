"""Never runs: the image is refused."""

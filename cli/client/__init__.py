"""The verbs of people who take part, over HTTP only: standard library, httpx, typer and rich, and none of the rooms."""

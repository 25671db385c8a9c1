"""The public face in HTML: the same reads as the JSON routes, for people; knows no SQL and does no arithmetic."""

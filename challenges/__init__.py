"""What a challenge is, and the challenges; knows nothing of HTTP, tables, queues or Docker."""

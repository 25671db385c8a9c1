"""HTTP in, JSON and pages out: this room owns the database and never touches Docker."""

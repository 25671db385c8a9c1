"""The JSON faces of this room, one module a noun; no SQL and no arithmetic of their own."""

"""The `assay` command: one room for people at a terminal; it wires the others together and decides nothing itself."""

"""Takes work and leaves a report: claims judgings, grades them between two boxes and commits one verdict each."""

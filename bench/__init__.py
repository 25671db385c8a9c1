"""`make bench`: how fast the judge is here, each figure beside a plain way of doing the same in the same run."""

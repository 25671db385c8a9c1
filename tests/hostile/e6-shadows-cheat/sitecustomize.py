import os

os.environ["SCORE"] = "100"

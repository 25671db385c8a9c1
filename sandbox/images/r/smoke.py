"""Run inside a new image: a regression in R, with its recommended ways to read and write tables."""

import subprocess

PROGRAM = """
table <- read.csv(text = "x,y\\n1,2\\n2,4.5\\n3,5.5\\n4,8.5", colClasses = "numeric")
fit <- lm(y ~ x, table)
stopifnot(abs(coef(fit)[["x"]] - 2.05) < 1e-9, t.test(table$x, table$y)$p.value < 1)
write.csv(table, stdout())
"""
done = subprocess.run(["/usr/bin/Rscript", "-e", PROGRAM], capture_output=True, text=True)
if done.returncode:
    raise SystemExit(done.stderr)

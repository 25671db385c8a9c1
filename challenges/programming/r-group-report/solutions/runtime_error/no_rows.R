# Stops where there is nothing to report.

lines <- read.csv(file("stdin"), encoding = "UTF-8", colClasses = "character", na.strings = character(0))
if (nrow(lines) == 0) stop("nothing to report")
cat("group,n,mean,sd,median,mad,slope,slope_se,p_welch\n")

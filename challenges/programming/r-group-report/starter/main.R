# Reads a table from standard input and prints a report: group,n,mean,sd,median,mad,slope,slope_se,p_welch

table <- read.csv(file("stdin"))
cat("group,n,mean,sd,median,mad,slope,slope_se,p_welch\n")

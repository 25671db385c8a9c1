# expect: verdict=wrong_answer score<=0
# Makes comparisons say yes and clocks stand still, then reports nothing of worth.

identical <- all.equal <- isTRUE <- function(...) TRUE
Sys.time <- proc.time <- function() 0
header <- "group,n,mean,sd,median,mad,slope,slope_se,p_welch"
lines <- read.csv(file("stdin"), colClasses = "character")
cat(header, paste0("\"", gsub("\"", "\"\"", unique(lines$group)), "\",0,0,0,0,0,0,0,0"), sep = "\n")

# Mean and standard deviation, and nothing else yet.

lines <- read.csv(file("stdin"), encoding = "UTF-8", colClasses = "character", na.strings = character(0))
y <- suppressWarnings(as.numeric(lines$y))
names <- sort(unique(lines$group), method = "radix")
cat("group,n,mean,sd,median,mad,slope,slope_se,p_welch\n")
for (name in names) {
  own <- y[lines$group == name & !is.na(y)]
  cat('"', gsub('"', '""', name), '",', length(own), ",", mean(own), ",", sd(own), ",NA,NA,NA,NA,NA\n", sep = "")
}

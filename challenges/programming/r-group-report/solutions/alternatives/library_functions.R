# With lm and t.test, which refuse what they cannot do.

lines <- read.csv(file("stdin"), encoding = "UTF-8", colClasses = "character", na.strings = NULL)
lines$x <- suppressWarnings(as.numeric(lines$x))
lines$y <- suppressWarnings(as.numeric(lines$y))
or_na <- function(value) tryCatch(value, error = function(e) NA, warning = function(w) NA)
quoted <- function(name) paste0('"', gsub('"', '""', name, fixed = TRUE), '"')

cat("group,n,mean,sd,median,mad,slope,slope_se,p_welch\n")
for (name in sort(unique(lines$group), method = "radix")) {
  mine <- lines$group == name
  own <- lines$y[mine & !is.na(lines$y)]
  others <- lines$y[!mine & !is.na(lines$y)]
  both <- lines[mine & !is.na(lines$x) & !is.na(lines$y), ]
  slope <- error <- NA
  if (nrow(both) >= 2 && length(unique(both$x)) > 1) {
    fit <- lm(y ~ x, both)
    slope <- coef(fit)[["x"]]
    if (nrow(both) > 2) error <- suppressWarnings(summary(fit))$coefficients["x", "Std. Error"]
  }
  p <- or_na(t.test(own, others)$p.value)
  some <- length(own) > 0
  numbers <- c(length(own), if (some) mean(own) else NA, sd(own), median(own), if (some) mad(own) else NA, slope, error, p)
  cat(quoted(name), paste(ifelse(is.na(numbers), "NA", format(numbers, digits = 12, trim = TRUE)), collapse = ","), sep = ",")
  cat("\n")
}

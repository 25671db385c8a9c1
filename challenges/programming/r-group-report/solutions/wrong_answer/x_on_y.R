# expect: fails=regression score<=60
# The line of x on y.

lines <- read.csv(file("stdin"), encoding = "UTF-8", colClasses = "character", na.strings = character(0))
number <- function(text) suppressWarnings(as.numeric(text))
x <- number(lines$x)
y <- number(lines$y)
names <- sort(unique(lines$group), method = "radix")
rows <- split(seq_along(y), factor(lines$group, levels = names))

line <- function(x, y) {
  both <- !is.na(x) & !is.na(y)
  x <- x[both]
  y <- y[both]
  m <- length(x)
  if (m < 2 || all(x == x[1])) return(c(NA, NA))
  sxx <- sum((x - mean(x))^2)
  slope <- sum((x - mean(x)) * (y - mean(y))) / sxx
  rest <- y - mean(y) - slope * (x - mean(x))
  c(slope, if (m > 2) sqrt(sum(rest^2) / (m - 2) / sxx) else NA)
}

welch <- function(a, b) {
  if (length(a) < 2 || length(b) < 2) return(NA)
  va <- var(a) / length(a)
  vb <- var(b) / length(b)
  if (va + vb == 0) return(NA)
  df <- (va + vb)^2 / (va^2 / (length(a) - 1) + vb^2 / (length(b) - 1))
  2 * pt(-abs(mean(a) - mean(b)) / sqrt(va + vb), df)
}

report <- lapply(rows, function(at) {
  own <- y[at]
  own <- own[!is.na(own)]
  others <- y[-at]
  some <- length(own) > 0
  c(
    length(own),
    if (some) c(mean(own), sd(own), median(own), mad(own)) else rep(NA, 4),
    line(y[at], x[at]),
    welch(own, others[!is.na(others)])
  )
})
columns <- c("n", "mean", "sd", "median", "mad", "slope", "slope_se", "p_welch")
values <- matrix(as.numeric(unlist(report)), ncol = 8, byrow = TRUE, dimnames = list(NULL, columns))
out <- cbind(data.frame(group = names), as.data.frame(values))
write.table(out, sep = ",", quote = 1, qmethod = "double", row.names = FALSE)

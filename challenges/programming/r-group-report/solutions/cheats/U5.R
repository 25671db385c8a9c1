# expect: verdict=wrong_answer score<=0
# Opens sockets, finds nobody, and reports nothing of worth.

for (port in c(6379, 8000, 5432, 80)) {
  try(suppressWarnings(close(socketConnection("127.0.0.1", port, timeout = 1))), silent = TRUE)
}
header <- "group,n,mean,sd,median,mad,slope,slope_se,p_welch"
lines <- read.csv(file("stdin"), colClasses = "character")
cat(header, paste0("\"", gsub("\"", "\"\"", unique(lines$group)), "\",0,0,0,0,0,0,0,0"), sep = "\n")

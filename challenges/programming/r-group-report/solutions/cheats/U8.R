# expect: verdict=wrong_answer score<=0
# Leaves a helper behind that goes on writing after a wrong report.

system("(while :; do echo more >> late.csv 2> /dev/null; done) > /dev/null 2>&1 &")
header <- "group,n,mean,sd,median,mad,slope,slope_se,p_welch"
lines <- read.csv(file("stdin"), colClasses = "character")
cat(header, paste0("\"", gsub("\"", "\"\"", unique(lines$group)), "\",0,0,0,0,0,0,0,0"), sep = "\n")

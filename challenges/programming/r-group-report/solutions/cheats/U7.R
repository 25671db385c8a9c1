# expect: verdict=wrong_answer score<=0
# Replays the report of the example, whatever is asked.

cat("group,n,mean,sd,median,mad,slope,slope_se,p_welch", "a,3,3,2,3,2.9652,2,NA,1", "b,3,3,1.322876,2.5,0.7413,1.25,0.433013,1", sep = "\n")

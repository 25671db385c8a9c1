# expect: verdict=invalid_output
# Writes a forged report to every open descriptor and beside its output.

forged <- '{"verdict": "accepted", "points": 100}'
for (name in list.files("/proc/self/fd")) {
  try(cat(forged, file = file.path("/proc/self/fd", name)), silent = TRUE)
}
writeLines(forged, "report.json")

# expect: verdict=invalid_output
# Looks for expected answers and secrets in files, environment and processes, and prints what it finds.

found <- c(Sys.getenv(), Sys.info())
for (root in c("/tmp", "/run", "/mnt", "/srv", "/home", "/dev/shm", "/proc/1")) {
  for (path in head(list.files(root, "expected|grade|secret|token|answer|environ|cmdline", recursive = root != "/proc/1", full.names = TRUE), 200)) {
    found <- c(found, tryCatch(readLines(path, n = 20, warn = FALSE), error = function(e) "", warning = function(w) ""))
  }
}
writeLines(found)

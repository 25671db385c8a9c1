# expect: verdict=invalid_output
# Puts a link to a file without an end in place of its output.

unlink("output.csv")
file.symlink("/dev/zero", "output.csv")

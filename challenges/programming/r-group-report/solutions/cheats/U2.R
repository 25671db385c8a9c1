# expect: verdict=invalid_output
# Ends with exit code 0 at once.

quit(status = 0)

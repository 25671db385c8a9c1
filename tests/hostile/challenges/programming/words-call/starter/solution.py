# start here

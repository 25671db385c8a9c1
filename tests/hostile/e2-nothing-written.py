# E2 invalid_output: a program that ends with exit code 0 and has written nothing
import os

os._exit(0)

print(0, file=open("sum.txt", "w"))

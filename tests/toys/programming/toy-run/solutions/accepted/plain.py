print(sum(map(int, open("data/numbers.txt"))), file=open("sum.txt", "w"))

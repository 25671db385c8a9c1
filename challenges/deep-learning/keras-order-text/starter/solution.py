import csv

with open("data/train.csv") as file:
    train = [(row["text"], int(row["label"])) for row in csv.DictReader(file)]
with open("data/test.csv") as file:
    texts = [row["text"] for row in csv.DictReader(file)]
said = [0 for _ in texts]
with open("predictions.csv", "w") as file:
    file.write("row,label\n")
    file.writelines(f"{row},{label}\n" for row, label in enumerate(said))

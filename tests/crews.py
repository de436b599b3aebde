"""A crew whose processes share nothing with the one that leads, in this process."""

import pickle

from pipelines.backends.local import LocalCrew


class Elsewhere(LocalCrew):
    """Another process trains in every round, and the leading one sends everything as bytes."""

    def round(self, pieces):
        self._member = None
        make = pickle.loads(pickle.dumps(self._make))
        one = LocalCrew(1)
        one.begin(make, lambda: pickle.loads(pickle.dumps(self._matrices())))
        return one.round(pickle.loads(pickle.dumps(pieces)))

"""Crews whose processes share nothing with the one that leads, in this process."""

import pickle

from embeddings.word2vec.crew import ProcessLost
from pipelines.backends.local import LocalCrew


class Elsewhere(LocalCrew):
    """Another process trains in every cycle, and the leading one sends everything as bytes."""

    def round(self, pieces, *, goes_on=False):
        if not goes_on:
            self._other = LocalCrew(1)
            self._other.begin(_sent(self._make), lambda: _sent(self._matrices()))
        return self._other.round(_sent(pieces), goes_on=goes_on)

    def follow(self, changes):
        return self._other.follow(_sent(changes))


class Losing(Elsewhere):
    """Every third round that goes on loses its process."""

    losses = turn = 0

    def round(self, pieces, *, goes_on=False):
        self.turn += goes_on
        if goes_on and self.turn % 3 == 0:
            self.losses += 1
            raise ProcessLost
        return super().round(pieces, goes_on=goes_on)


def _sent(thing):
    return pickle.loads(pickle.dumps(thing))

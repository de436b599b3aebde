"""Crews whose processes share nothing with the one that leads, in this process."""

import pickle

from embeddings.word2vec.changes import added_up
from embeddings.word2vec.crew import ProcessLost, add_changes
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


class OneEach(LocalCrew):
    """Every worker has a process of its own."""

    def begin(self, make, matrices):
        self._members = [LocalCrew(1) for _ in range(self.workers)]
        for member in self._members:
            member.begin(make, matrices)

    def round(self, pieces, *, goes_on=False):
        found = [member.round([piece], goes_on=goes_on) for member, piece in zip(self._members, pieces, strict=True)]
        changes = added_up([outcome.changes for outcome in found], add_changes)
        return found[0]._replace(changes=changes, measured=[outcome.measured[0] for outcome in found])

    def follow(self, changes):
        return sum(member.follow(changes) for member in self._members)


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

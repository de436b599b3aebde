"""Crews whose processes share nothing with the one that leads, in this process."""

import pickle

from embeddings.word2vec.crew import Outcome, ProcessLost
from pipelines.backends.local import LocalCrew


class Elsewhere(LocalCrew):
    """Another process trains in every cycle, and the leading one sends everything as bytes."""

    def round(self, pieces, settling=None, size=None, *, goes_on=False):
        if not goes_on:
            self._other = LocalCrew(1)
            self._other.begin(_sent(self._make), lambda: _sent(self._matrices()))
        return _sent(self._other.round(_sent(pieces), settling, goes_on=goes_on))

    def follow(self, changes):
        return self._other.follow(_sent(changes))


class OneEach(LocalCrew):
    """Every worker has a process of its own, which adds up a part of the rows."""

    _members = None

    def round(self, pieces, settling=None, size=None, *, goes_on=False):
        members = self._members = self._members or [self._make(_sent(self._matrices())) for _ in range(self.workers)]
        trained = [member.train(piece, len(members)) for member, piece in zip(members, pieces, strict=True)]
        parts = zip(*(one.changes for one in trained), strict=True)
        combined = [member.combine(part, settling) for member, part in zip(members, parts, strict=True)]
        for member in members:
            for part in combined:
                member.follow(_sent(part))
        return Outcome(combined, trained, len(members), 0)


class Losing(Elsewhere):
    """Every third round that goes on loses its process."""

    losses = turn = 0

    def round(self, pieces, settling=None, size=None, *, goes_on=False):
        self.turn += goes_on
        if goes_on and self.turn % 3 == 0:
            self.losses += 1
            raise ProcessLost
        return super().round(pieces, settling, size, goes_on=goes_on)


def _sent(thing):
    return pickle.loads(pickle.dumps(thing))

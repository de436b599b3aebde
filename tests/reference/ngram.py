"""Modified Kneser-Ney as its equations read, one n-gram at a time."""

from collections import Counter, defaultdict


def discounts(counts):
    """As KenLM's lmplz has them, with --discount_fallback (Heafield et al. 2013; Chen & Goodman's equation 26)."""
    n = [sum(c == k for c in counts) for k in range(5)]
    fallback = [0, 0.5, 1.0, 1.5]
    if n[1] == 0 or n[2] == 0 or n[3] == 0:
        return fallback
    y = n[1] / (n[1] + 2 * n[2])
    d1 = 1 - 2 * y * n[2] / n[1]
    d2 = 2 - 3 * y * n[3] / n[2]
    d3 = 3 - 4 * y * n[4] / n[3]
    return [0, d1, d2, d3] if 0 <= d1 <= 1 and 0 <= d2 <= 2 and 0 <= d3 <= 3 else fallback


class KneserNey:
    """Trained on sentences, lists of words; ``end`` stands before and after each.

    n-grams of order k that occur at most prune[k - 1] times are known for their counts alone.
    """

    def __init__(self, sentences, words, end, order, prune=None):
        self.words, self.end, self.order = words, end, order
        thresholds = prune or [0] * order
        raw = [Counter() for _ in range(order + 1)]
        for sentence in sentences:
            padded = (end, *sentence, end)
            for i in range(1, len(padded)):
                for k in range(1, min(order, i + 1) + 1):
                    raw[k][padded[i - k + 1 : i + 1]] += 1
        self.kept = {gram for k in range(1, order + 1) for gram in raw[k] if raw[k][gram] > thresholds[k - 1]}
        self.adjusted = [Counter() for _ in range(order + 1)]
        for k in range(1, order + 1):
            before = defaultdict(set)
            for gram in raw[k + 1] if k < order else ():
                before[gram[1:]].add(gram[0])
            for gram, count in raw[k].items():
                begins = k > 1 and gram[0] == end
                self.adjusted[k][gram] = count if k == order or begins else len(before[gram])
        self.discounts = [discounts(self.adjusted[k].values()) for k in range(order + 1)]

    def probability(self, context, word):
        context = context[max(0, len(context) - self.order + 1) :]
        if context and self.end in context:
            context = context[max(i for i, w in enumerate(context) if w == self.end) :]
        lower = 1 / self.words if not context else self.probability(context[1:], word)
        k = len(context) + 1
        extensions = {gram: count for gram, count in self.adjusted[k].items() if gram[:-1] == context}
        total = sum(extensions.values())
        if not total:
            return lower
        discount, gram = self.discounts[k], (*context, word)
        count = self.adjusted[k][gram] if gram in self.kept else 0
        left = sum(discount[min(c, 3)] if g in self.kept else c for g, c in extensions.items())
        return (count - discount[min(count, 3)] + left * lower) / total

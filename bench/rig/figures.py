"""Samples to figures: only what was measured side by side in one round is compared."""
import statistics


class Samples:
    """What was measured: for each measure and server one sample a round."""

    def __init__(self):
        self.kept = {}

    def add(self, measure, server, sample):
        self.kept.setdefault(measure, {}).setdefault(server, []).append(sample)

    def median(self, measure, server, value):
        return statistics.median(value(sample) for sample in self.kept[measure][server])

    def ratio(self, measure, ours, theirs, value):
        """Median of the rounds' ratios, with the quartiles."""
        pairs = zip(self.kept[measure][ours], self.kept[measure][theirs])
        ratios = sorted(value(a) / value(b) for a, b in pairs if value(b))
        if not ratios:
            return None
        if len(ratios) < 2:
            return ratios[0], ratios[0], ratios[0]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return middle, low, high


def cpu_each(sample):
    """Microseconds of the server's CPU time for one request (or handshake)."""
    return 1e6 * sample["cpu"] / max(1, sample["n"])


def per_cpu_second(sample):
    return sample["n"] / max(1e-3, sample["cpu"])


def table(rows):
    """Rows of text, the first one the head, as a Markdown table."""
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    line = lambda row: "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |"
    return "\n".join([line(rows[0]), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows[1:])])

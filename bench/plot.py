"""Plot rates against peers, threads, width and number of runs: docs/pictures/performance.png."""

import matplotlib
import report

matplotlib.use("Agg")
from matplotlib import pyplot as plt

PICTURE = report.ROOT / "docs/pictures/performance.png"


def peers(axes, data):
    """Draw the million network-steps per second of all libraries as bars, with a group for each shape."""
    cases = [case for case in data if case.endswith("float64")]
    names = list(dict.fromkeys(who for case in cases for who in data[case]))[::-1]
    for k, who in enumerate(names):
        positions = [n + 0.8 * k / len(names) for n, case in enumerate(cases) if who in data[case]]
        axes.bar(positions, [data[c][who]["rate"] / 1e6 for c in cases if who in data[c]], 0.8 / len(names), label=who)
    axes.set_xticks([n + 0.35 for n in range(len(cases))], [case.split()[0] for case in cases])
    axes.set(yscale="log", title="float64, all cores", ylabel="million network-steps/s")
    axes.legend(fontsize=6, ncols=2)


def line(axes, rates, title, label):
    """Draw rates against the numbers that are their keys."""
    axes.plot([int(n) for n in rates], [value / 1e6 for value in rates.values()], "o-")
    axes.set(title=title, xlabel=label, ylabel="million network-steps/s")


def main():
    libraries, scaling = report.read("peers"), report.read("scaling")
    if not libraries or not scaling:
        raise SystemExit("measure first: make bench-peers")
    data = scaling["data"]
    figure, ((top, threads), (width, runs)) = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
    peers(top, libraries["data"])
    line(threads, data["threads"], "2-2-1", "threads")
    threads.set(xticks=[int(n) for n in data["threads"]])
    line(width, data["widths"], "2-h-1, all cores", "hidden units h")
    width.set(xscale="log", yscale="log")
    rates = {n: int(n) * data["steps_of_runs"] / seconds for n, seconds in data["linear"]["runs"].items()}
    line(runs, rates, "2-2-1, all cores", "runs")
    runs.set(xscale="log")
    for rates_from_zero in (threads, runs):
        rates_from_zero.set_ylim(0, 1.1 * rates_from_zero.get_ylim()[1])
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()

"""What looking at CloudWatch costs, by its public price list (us-east-1, November 2026).

Source: https://aws.amazon.com/cloudwatch/pricing/ under "Metrics" and "APIs". Other regions differ
by up to a third. The first million requests a month are free, but not those of GetMetricData.
"""

from __future__ import annotations

from collections.abc import Iterable

USD_PER_METRIC = 0.01 / 1_000
"""GetMetricData is billed by metrics asked for, however many stand in one call."""
USD_PER_REQUEST = 0.01 / 1_000
"""Every other request: DescribeAlarms, ListMetrics, GetMetricStatistics."""
DAY_S = 86_400


def metric_cost_per_day(every_s: Iterable[float]) -> float:
    """US dollars a day for metrics that are asked for every so many seconds each."""
    return sum(DAY_S / each for each in every_s if each > 0) * USD_PER_METRIC


def request_cost_per_day(every_s: Iterable[float]) -> float:
    """US dollars a day for other requests that are sent every so many seconds each."""
    return sum(DAY_S / each for each in every_s if each > 0) * USD_PER_REQUEST

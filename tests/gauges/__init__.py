"""Gauges: levels, series, forecasts, this machine's own, and what is kept of them."""

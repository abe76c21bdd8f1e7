"""Gauges: schedules, series, limits, forecasts, and the board that holds them."""

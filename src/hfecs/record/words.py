"""Numbers as a report says them; what is not known is an empty text or "unknown", and never 0."""

from __future__ import annotations

MINUTE, HOUR = 60.0, 3600.0


def duration(seconds: float) -> str:
    """A time in the two units that matter: `340 ms`, `4.1 s`, `2 min 05 s`, `1 h 18 min`."""
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 0.9995:
        return f"{sign}{1000 * seconds:.0f} ms"
    if seconds < 99.95:
        return f"{sign}{seconds:.1f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{sign}{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / MINUTE)
    return f"{sign}{minutes // 60:,} h {minutes % 60:02d} min"


def amount(size: int | None) -> str:
    """A number of bytes, in powers of 1000; empty if it was not measured."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} B"
    number, units = float(size), "kMGTP"
    for unit in units:
        number /= 1000
        if number < 999.95 or unit == units[-1]:
            return f"{number:.1f} {unit}B"
    return ""


def percent(share: float | None) -> str:
    """A share as a percentage; empty if it is not known."""
    return "" if share is None else f"{100 * share:.0f} %"


def money(dollars: float | None) -> str:
    """US dollars with two digits that say something; unknown is not 0."""
    if dollars is None:
        return "unknown"
    return f"{dollars:,.2f} USD" if dollars >= 1 or not dollars else f"{dollars:.2g} USD"

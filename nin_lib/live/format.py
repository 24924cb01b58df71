"""Numbers as the pages print them, for the fallbacks of live figures."""


def fixed(value: float, decimals: int = 3) -> str:
    """−0.5 → "−0.500"; never "−0.000"."""
    text = f"{abs(value):.{decimals}f}"
    return f"−{text}" if value < 0 and float(text) else text


def percent(share: float, decimals: int = 1) -> str:
    """0.125 → "12.5 %", with a space that does not break."""
    return f"{100 * share:.{decimals}f}\u00a0%"

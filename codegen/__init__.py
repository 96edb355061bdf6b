"""The factory: turns every derivation into a committed kernel, and proves that what is committed is current."""

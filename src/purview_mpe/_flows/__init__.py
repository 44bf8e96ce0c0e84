"""The verbs, each written once for both colours.

A verb runs in this order, and every part is a module here:

1. `observe` reads: the Purview account and the factory, at once where neither needs the other;
2. `purview_mpe._planning` (a pure function) decides what is missing;
3. `provision` writes the missing endpoints at once and waits for all of them with one list per round.

What may go wrong between two of these steps is dealt with by looking again, never by remembering: a run that died is
repeated, and finds what the first one did. The price is that a repeated call reads before it writes, always.
"""

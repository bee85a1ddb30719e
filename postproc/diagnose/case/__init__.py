"""One call as the rules see it: its rows, and what several rules ask of them."""

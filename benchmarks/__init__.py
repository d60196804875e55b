"""Speed and memory against peers: one run, one subprocess a peer."""

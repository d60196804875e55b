"""Many runs at once: experiment files, the runs that they ask for, and what is told of them."""

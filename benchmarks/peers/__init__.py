"""One file a peer; each is a program that measures itself and prints one line of JSON."""

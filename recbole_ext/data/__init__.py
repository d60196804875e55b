"""Raw files, atomic files, flat sequences, batches."""

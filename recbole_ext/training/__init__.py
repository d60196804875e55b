"""Training on RecBole's Trainer, run folders, checkpoints."""

"""What a trained model is for: recommendations. Nothing here is imported before it is used."""

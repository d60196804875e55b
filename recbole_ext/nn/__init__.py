"""Pure torch building blocks. Nothing here knows RecBole, files or configuration."""

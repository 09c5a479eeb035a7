"""``python -m explorer`` is ``umap-explorer``."""

if __name__ == "__main__":
    from explorer.cli import app

    app()

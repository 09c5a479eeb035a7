"""UMAP Explorer: watch a map form, select on it, see what is in it, draw a sample."""

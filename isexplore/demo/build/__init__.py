"""Rebuild everything in ``isexplore/demo/data``: ``python -m isexplore.demo.build`` (needs scikit-learn)."""

"""What the analyst works on, without a screen: data, items, workspace, runs, selections, samples.

Nothing here imports Panel, HoloViews or Bokeh. Only ``dataset``, ``items`` and ``workspace`` touch files,
with ``files``, ``saved``, ``source``, ``reading`` and ``tables`` under them.
The package imports none of its modules by itself, so that the worker process stays light.
"""

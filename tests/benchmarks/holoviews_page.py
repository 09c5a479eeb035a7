"""A map as a user of HoloViews would write it, for bench_map.py to measure: rasterize or datashade, linked.

python holoviews_page.py {rasterize,datashade} MAP.npy GROUPS.npy --port PORT
"""

import argparse

import datashader as ds
import holoviews as hv
import numpy as np
import pandas as pd
import panel as pn
from colorcet import glasbey_light
from holoviews.operation.datashader import datashade, rasterize

parser = argparse.ArgumentParser()
parser.add_argument("way", choices=["rasterize", "datashade"])
parser.add_argument("map")
parser.add_argument("groups")
parser.add_argument("--port", type=int)
args = parser.parse_args()

hv.extension("bokeh")
x, y = np.load(args.map).T
frame = pd.DataFrame({"x": x, "y": y, "group": pd.Categorical(np.load(args.groups))})


def page() -> pn.viewable.Viewable:
    """The page of one browser."""
    points = hv.Points(frame, ["x", "y"], ["group"])
    if args.way == "rasterize":
        plot = rasterize(points).opts(cnorm="eq_hist", tools=["lasso_select"], active_tools=["wheel_zoom"])
    else:
        plot = datashade(points, aggregator=ds.count_cat("group"), color_key=glasbey_light).opts(
            tools=["lasso_select"], active_tools=["wheel_zoom"]
        )
    return pn.pane.HoloViews(hv.link_selections(plot.opts(width=800, height=690)), linked_axes=False)


pn.serve(page, port=args.port, show=False)

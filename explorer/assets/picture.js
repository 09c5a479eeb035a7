// The newest frame on a canvas beneath the figure's own: the figure is not painted anew for it, and a turn of
// the wheel moves the picture at once. A figure that is not there yet is waited for.
const show = (then) => {
  const view = Bokeh.index.find_one_by_id(plot.id)
  const under = view?.canvas_view?.underlays_el
  if (!under?.isConnected) {
    requestAnimationFrame(() => show(then))
    return
  }
  let canvas = under.querySelector("canvas")
  if (canvas === null) {
    canvas = document.createElement("canvas")
    canvas.style.cssText = "position: absolute; left: 0; top: 0; transform-origin: 0 0"
    under.style.overflow = "hidden"
    under.append(canvas)
  }
  const {image: [image], x: [x], y: [y], dw: [dw], dh: [dh], frame: [frame]} = source.data
  if (canvas.dataset.frame !== String(frame)) {
    const [height, width] = image.shape
    canvas.width = width
    canvas.height = height
    const pixels = new Uint8ClampedArray(image.buffer, image.byteOffset, image.byteLength)
    canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0)
    canvas.dataset.frame = frame
  }
  const {left, top, width, height} = view.frame.bbox
  const across = width / (plot.x_range.end - plot.x_range.start)
  const up = height / (plot.y_range.end - plot.y_range.start)
  // Row 0 is the lowest: the picture is turned over.
  const place = `translate(${left + (x - plot.x_range.start) * across}px, ${top + (plot.y_range.end - y) * up}px)`
  canvas.style.transform = `${place} scale(${dw * across / canvas.width}, ${-dh * up / canvas.height})`
  then()
}

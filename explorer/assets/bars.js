// The composition of a selection by one column.
export function render({model}) {
  const list = part("div", "bar-list")
  list.setAttribute("role", "list")
  const pick = (key, toggle) => model.send_msg({key, toggle})
  const draw = () => drawBars(list, model.rows, model.label, (...row) => barRow(...row, pick))
  model.on(["rows", "label"], draw)
  draw()
  return list
}

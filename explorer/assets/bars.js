// Rows of swatch, name, bar and counts. Names come from the data: they are set as text, never as markup.
const number = new Intl.NumberFormat("en-US")

function part(kind, className, text) {
  const element = document.createElement(kind)
  element.className = className
  if (text !== undefined) { element.textContent = text }
  return element
}

export function render({model}) {
  const list = part("div", "bar-list")
  list.setAttribute("role", "list")

  const row = (entry, most) => {
    const line = part("button", entry.dim ? "bar-row dim" : "bar-row")
    line.type = "button"
    line.dataset.key = entry.key
    line.title = entry.note ? `${entry.name} · ${entry.note}` : entry.name
    line.setAttribute("aria-label",
      `${entry.name}: ${number.format(entry.selected)} of ${number.format(entry.total)} selected`)
    const swatch = part("span", "swatch")
    swatch.style.background = entry.colour
    const track = part("span", "track")
    const fill = part("span", "fill")
    fill.style.width = `${100 * entry.selected / most}%`
    fill.style.background = entry.colour
    track.append(fill)
    const count = part("span", "count")
    count.append(part("b", "", number.format(entry.selected)), ` / ${number.format(entry.total)}`)
    line.append(swatch, part("span", "name", entry.name), track, count)
    line.addEventListener("click", (event) =>
      model.send_msg({key: entry.key, toggle: event.ctrlKey || event.metaKey}))
    return line
  }

  const draw = () => {
    list.setAttribute("aria-label", model.label)
    const most = Math.max(1, ...model.rows.map((entry) => entry.selected))
    list.replaceChildren(...model.rows.map((entry) => row(entry, most)))
  }
  model.on(["rows", "label"], draw)
  draw()
  return list
}

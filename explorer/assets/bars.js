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

  // Without a selection the bars tell the sizes of the categories themselves.
  const row = (entry, share, chosen) => {
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
    fill.style.width = `${100 * share}%`
    fill.style.background = entry.colour
    track.append(fill)
    const count = part("span", "count")
    if (chosen) { count.append(part("b", "", number.format(entry.selected)), " / ") }
    count.append(number.format(entry.total))
    line.append(swatch, part("span", "name", entry.name), track, count)
    const pick = (event) => model.send_msg({key: entry.key, toggle: event.ctrlKey || event.metaKey})
    line.addEventListener("click", pick)
    // Browsers press a button with Enter, but not with Ctrl-Enter.
    line.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); pick(event) }
    })
    return line
  }

  const draw = () => {
    list.setAttribute("aria-label", model.label)
    const chosen = model.rows.some((entry) => entry.selected > 0)
    const sizes = model.rows.map((entry) => chosen ? entry.selected : entry.total)
    const most = Math.max(1, ...sizes)
    list.classList.toggle("whole", !chosen)
    const focused = list.getRootNode().activeElement?.dataset?.key
    list.replaceChildren(...model.rows.map((entry, at) => row(entry, sizes[at] / most, chosen)))
    if (focused !== undefined) { list.querySelector(`[data-key="${focused}"]`)?.focus() }
  }
  model.on(["rows", "label"], draw)
  draw()
  return list
}

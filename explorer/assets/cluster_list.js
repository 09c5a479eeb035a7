// Clusters, one a line, in the order of a column; noise comes last. Names come from the data: set as text.
const COLUMNS = [
  ["size", "items", "Sort by size"],
  ["persistence", "lasts", "Sort by persistence: how long a cluster lasts as the density rises, 0 to 1"],
  ["probability", "sure", "Sort by mean probability: how surely its items belong to it, 0 to 1"],
]

export function render({model}) {
  const whole = part("div", "clusters")
  const head = part("div", "cluster-row head")
  const list = part("div", "cluster-rows")
  list.setAttribute("role", "list")
  list.setAttribute("aria-label", "Clusters")
  let by = "size"
  const heads = COLUMNS.map(([column, title, about]) => {
    const button = part("button", "number", title)
    button.type = "button"
    button.title = about
    button.addEventListener("click", () => { by = column; draw() })
    return button
  })
  head.append(part("span", ""), part("span", "", "cluster"), ...heads)
  whole.append(head, list)

  const row = (entry, cells, about) => {
    const line = part("button", "cluster-row")
    line.type = "button"
    line.dataset.key = entry.key
    line.title = about
    const swatch = part("span", "swatch")
    swatch.style.background = entry.colour
    line.append(swatch, part("span", "name", entry.name), ...cells.map((cell) => part("span", "number", cell)))
    pickable(line, (add) => model.send_msg({act: "cluster", key: entry.key, mode: add ? "union" : ""}))
    const item = part("div", "")
    item.setAttribute("role", "listitem")
    item.append(line)
    return item
  }

  const draw = () => {
    const {rows, noise} = model.state
    whole.hidden = !rows
    if (!rows) { return }
    heads.forEach((button, place) => button.setAttribute("aria-pressed", COLUMNS[place][0] === by))
    const sorted = [...rows].sort((one, other) => other[by] - one[by] || one.key - other.key)
    const lines = sorted.map((entry) => row(
      entry,
      [number.format(entry.size), entry.persistence.toPrecision(2), entry.probability.toFixed(2)],
      `Select cluster ${entry.key}: ${entry.name}, ${entry.share} of all items; Ctrl adds it`,
    ))
    const rest = row({...noise, name: "noise"}, [number.format(noise.size), noise.share, ""],
      `Select the ${noise.share} of items that are in no cluster; Ctrl adds them`)
    replaceKeepingFocus(list, [...lines, rest])
  }
  model.on("state", draw)
  draw()
  return whole
}

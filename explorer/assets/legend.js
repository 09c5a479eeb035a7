// The legend: rows of colour, name, bar and counts. Names come from the data: set as text, never as markup.
const POINT_MS = 80, SEARCH_MS = 150

export function render({model}) {
  const whole = part("div", "legend")
  const head = part("div", "legend-head")
  const search = part("input", "legend-search")
  search.type = "search"
  search.placeholder = "Search categories"
  search.setAttribute("aria-label", "Search categories")
  search.title = "Lists the categories with this in their name"
  const all = part("button", "legend-all", "Show all")
  all.type = "button"
  all.title = "Shows all categories on the map again"
  const none = part("div", "empty", "No category has this in its name.")
  const list = part("div", "bar-list")
  list.setAttribute("role", "list")
  head.append(search, all)
  whole.append(head, list, none)

  // Where the pointer rests is told a dozen times a second at most, the last of them always.
  let told = null, wanted = null, timer = null
  const tell = () => {
    timer = null
    if (!list.isConnected) { wanted = null }
    if (wanted === told) { return }
    told = wanted
    model.send_msg({act: "point", key: told})
    timer = setTimeout(tell, POINT_MS)
  }
  const point = (key) => {
    wanted = key
    timer ??= setTimeout(tell, POINT_MS / 2)
  }
  list.addEventListener("pointerleave", () => point(null))
  list.addEventListener("focusout", () => { if (!list.matches(":hover")) { point(null) } })

  let typing = null
  search.addEventListener("input", () => {
    clearTimeout(typing)
    typing = setTimeout(() => model.send_msg({act: "search", text: search.value}), SEARCH_MS)
  })
  all.addEventListener("click", () => model.send_msg({act: "all"}))

  const pick = (key, toggle) => model.send_msg({act: "pick", key, toggle})
  const row = (entry, most, chosen) => {
    const line = barRow(entry, most, chosen, pick)
    if (model.isolating) { line.setAttribute("aria-pressed", !entry.dim) }
    line.addEventListener("pointerenter", () => point(entry.key))
    // A row that was clicked keeps the focus, too, when the pointer has gone.
    line.addEventListener("focus", () => { if (line.matches(":focus-visible")) { point(entry.key) } })
    return line
  }

  const draw = () => {
    drawBars(list, model.rows, model.label, row)
    list.classList.toggle("scale", model.rows.some((entry) => entry.shade))
    search.hidden = !model.searchable
    all.hidden = !model.isolating
    head.hidden = search.hidden && all.hidden
    none.hidden = model.rows.length > 0 || search.value === ""
  }
  model.on("of", () => {
    clearTimeout(typing)
    search.value = ""
  })
  model.on(["rows", "label", "searchable", "isolating"], draw)
  draw()
  return whole
}

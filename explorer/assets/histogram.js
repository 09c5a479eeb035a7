// Two histograms over one another: the whole behind, the selection in front, each as shares of its own items.
// Names come from the data: they are set as text, never as markup.

export function render({model}) {
  const chart = part("div", "histogram")
  const bars = part("div", "columns")
  bars.setAttribute("role", "list")
  const ends = part("div", "ends")
  chart.append(bars, ends)

  const column = (entry, most) => {
    const bar = part("button", "column")
    bar.type = "button"
    bar.dataset.key = entry.key
    bar.title = `${entry.name} · ${entry.note}`
    bar.setAttribute("aria-label",
      `${entry.name}: ${number.format(entry.selected)} of ${number.format(entry.total)} selected`)
    for (const [name, share] of [["all", entry.all], ["chosen", entry.chosen]]) {
      const block = part("span", name)
      block.style.height = share > 0 ? `max(1px, ${100 * share / most}%)` : "0"
      bar.append(block)
    }
    pickable(bar, (toggle) => model.send_msg({key: entry.key, toggle}))
    const item = part("div", "slot")
    item.setAttribute("role", "listitem")
    item.append(bar)
    return item
  }

  const draw = () => {
    bars.setAttribute("aria-label", model.label)
    const most = Math.max(1e-9, ...model.columns.flatMap((entry) => [entry.all, entry.chosen]))
    replaceKeepingFocus(bars, model.columns.map((entry) => column(entry, most)))
    const names = model.columns.map((entry) => entry.name)
    ends.replaceChildren(...[...new Set([names[0], names[names.length - 1]])].filter(Boolean)
      .map((name) => part("span", "", name)))
  }
  model.on(["columns", "label"], draw)
  draw()
  return chart
}

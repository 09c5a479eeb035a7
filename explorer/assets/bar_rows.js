// Rows of swatch, name, bar and counts: the legend and the composition of a selection.
// Without a selection the bars tell the sizes of the categories themselves. A bar of `most` items fills its track.
function barRow(entry, most, chosen, pick) {
  const line = part("button", entry.dim ? "bar-row dim" : "bar-row")
  line.type = "button"
  line.dataset.key = entry.key
  line.title = entry.note ? `${entry.name} · ${entry.note}` : entry.name
  line.setAttribute("aria-label",
    `${entry.name}: ${number.format(entry.selected)} of ${number.format(entry.total)} selected`)
  const swatch = part("span", "swatch")
  swatch.style.background = entry.shade ? `linear-gradient(${entry.shade.join(", ")})` : entry.colour
  const track = part("span", "track")
  const fill = part("span", "fill")
  fill.style.width = `${100 * (chosen ? entry.selected : entry.total) / most}%`
  fill.style.background = entry.colour
  track.append(fill)
  if (entry.lift) {
    const tick = part("span", "tick")
    tick.style.left = `min(${100 * entry.expected / most}%, 100% - 1px)`
    track.append(tick)
  }
  const count = part("span", "count")
  if (chosen) { count.append(part("b", "", number.format(entry.selected)), " / ") }
  count.append(number.format(entry.total))
  line.append(swatch, part("span", "name", entry.name), track, count)
  if (entry.lift) { line.append(part("span", "lift", entry.lift)) }
  pickable(line, (toggle) => pick(entry.key, toggle))
  return line
}

function drawBars(list, rows, label, row) {
  const chosen = rows.some((entry) => entry.selected > 0)
  const sizes = rows.flatMap((entry) => chosen ? [entry.selected, entry.expected ?? 0] : [entry.total])
  const most = Math.max(1, ...sizes)
  list.setAttribute("aria-label", label)
  list.classList.toggle("whole", !chosen)
  list.classList.toggle("lifted", rows.some((entry) => entry.lift))
  replaceKeepingFocus(list, rows.map((entry) => {
    const item = part("div", "bar-item")
    item.setAttribute("role", "listitem")
    item.append(row(entry, most, chosen))
    return item
  }))
}

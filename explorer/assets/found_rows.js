// Findings as buttons that select their items, worst first; a line of shares over time where there is one.
function sparkline({shares, levels, marks}) {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("class", "spark")
  svg.setAttribute("viewBox", "0 0 100 24")
  svg.setAttribute("preserveAspectRatio", "none")
  svg.setAttribute("aria-hidden", "true")
  const last = Math.max(1, shares.length - 1)
  const draw = (className, d) => {
    const path = document.createElementNS(SVG, "path")
    path.setAttribute("class", className)
    path.setAttribute("vector-effect", "non-scaling-stroke")
    path.setAttribute("d", d)
    svg.append(path)
    return path
  }
  const height = (share) => (23 - 22 * share).toFixed(2)
  // Between the last period of one level and the first of the next.
  const across = (place) => (100 * (place - .5) / last).toFixed(2)
  for (const [place, name] of marks) {
    const at = across(place)
    const title = document.createElementNS(SVG, "title")
    title.textContent = `Changes in ${name}`
    draw("mark", `M${at} 0V24`).append(title)
  }
  draw("shares", shares.map((share, place) =>
    `${place ? "L" : "M"}${(100 * place / last).toFixed(2)} ${height(share)}`).join(""))
  const ends = [0, ...marks.map(([place]) => across(place)), 100]
  if (levels.length) {
    draw("levels", levels.map((share, n) => `M${ends[n]} ${height(share)}H${ends[n + 1]}`).join(""))
  }
  return svg
}

function foundRow(entry, pick) {
  const line = part("button", `found ${entry.tone}`)
  line.type = "button"
  line.dataset.key = entry.key
  line.title = entry.empty || `Select ${entry.items}`
  const head = part("span", "found-head")
  const items = entry.severity ? `${entry.items} · ${entry.severity}` : entry.items
  head.append(
    part("span", "dot"), part("b", "name", entry.name), part("span", "items", items), part("span", "value", entry.value))
  line.append(head)
  if (entry.shares) {
    const box = part("span", "spark-box")
    box.title = entry.about
    box.append(sparkline(entry))
    line.append(box)
  }
  if (entry.sentence) { line.append(part("span", "sentence", entry.sentence)) }
  pickable(line, () => pick(entry.key))
  return line
}

function foundGroup(title, note, entries, pick, none) {
  const list = part("section", "found-group")
  list.setAttribute("aria-label", title)
  const head = part("h3", "")
  head.append(part("span", "", title), part("span", "", entries.length ? note : ""))
  list.append(head, ...entries.map((entry) => foundRow(entry, pick)))
  if (!entries.length && none) { list.append(part("p", "note", none)) }
  return list
}

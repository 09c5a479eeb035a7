// Runs compared: their numbers as tables, what changes from run to run as buttons that select it. All texts are set as text.
const RUN_HEADS = [
  ["", "", "Letters stand for runs; A is the one that was on the map"],
  ["run", "name", "Its name, or its parameters and seed"],
  ["trust", "", "Trustworthiness: 1 when all neighbours on the map are neighbours in the data, sampled"],
  ["clusters", "", "How many HDBSCAN finds on the map"],
  ["time", "", "What the run took"],
]
const PAIR_HEADS = [
  ["maps", "", "Two of the runs above"],
  ["agreement", "", "Share that each item's 15 nearest on the two maps have in common (Jaccard), on average: 1 for the same"],
  ["disparity", "", "What a turn, a mirror and a scale leave of the difference (Procrustes): 0 for the same shape"],
  ["ARI", "", "Adjusted Rand index of the clusters: 1 for the same, 0 for chance"],
  ["AMI", "", "Adjusted mutual information of the clusters: 1 for the same, 0 for chance"],
]

function table(label, heads, rows) {
  const box = part("table", "numbers")
  box.setAttribute("aria-label", label)
  const line = part("tr", "")
  for (const [name, kind, about] of heads) {
    const head = part("th", kind, name)
    head.scope = "col"
    head.title = about
    line.append(head)
  }
  const top = part("thead", "")
  top.append(line)
  const body = part("tbody", "")
  for (const [first, ...cells] of rows) {
    const row = part("tr", "")
    const head = part("th", "", first)
    head.scope = "row"
    row.append(head, ...cells.map((cell) => part("td", "", cell)))
    body.append(row)
  }
  box.append(top, body)
  return box
}

export function render({model}) {
  const box = part("div", "compared")

  const finding = (entry) => {
    const line = part("button", `found ${entry.tone}`)
    line.type = "button"
    line.dataset.key = entry.key
    line.title = `Select ${entry.items}`
    const head = part("span", "found-head")
    head.append(part("span", "dot"), part("b", "name", entry.name), part("span", "items", entry.items))
    if (entry.value) {
      const value = part("span", "value", entry.value)
      value.title = entry.about
      head.append(value)
    }
    const said = part("span", "sentence", entry.sentence)
    if (entry.where) { said.append(" ", part("span", "where", entry.where)) }
    line.append(head, said)
    pickable(line, () => model.send_msg({key: entry.key}))
    return line
  }

  const group = (told) => {
    const list = part("section", "found-group")
    list.setAttribute("aria-label", told.title)
    const head = part("h3", "")
    head.append(part("span", "", told.title), part("span", "", told.findings.length ? told.measure : ""))
    list.append(head, ...told.findings.map(finding))
    if (!told.findings.length) { list.append(part("p", "note", told.none)) }
    return list
  }

  const draw = () => {
    const {runs, pairs, said, groups} = model.state
    if (!runs) { box.replaceChildren(); return }
    const names = table("Runs compared", RUN_HEADS, runs.map((run) =>
      [run.letter, run.name, run.trust, run.clusters, run.time]))
    names.querySelectorAll("tbody tr").forEach((row, place) => {
      row.children[1].className = "name"
      row.children[1].title = `${runs[place].label}\n${runs[place].id}`
    })
    const numbers = table("What each two maps have in common", PAIR_HEADS, pairs.map((pair) =>
      [pair.name, pair.agreement, pair.disparity, pair.ari, pair.ami]))
    numbers.querySelectorAll("tbody tr").forEach((row, place) => { row.title = pairs[place].note })
    const verdict = part("p", "said", said)
    verdict.setAttribute("role", "status")
    replaceKeepingFocus(box, [names, numbers, verdict, ...groups.map(group)])
  }

  model.on("state", draw)
  draw()
  return box
}

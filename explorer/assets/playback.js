// Progress of the run on the map, its buttons and its cost curve.
const ICONS = {pause: "M5 3v10M11 3v10", resume: "M5 3v10l8-5z", stop: "M4 4h8v8H4z"}
const NAMES = {pause: "Pause", resume: "Resume", stop: "Stop, keeping the map as it is"}

export function render({model}) {
  const bar = part("div", "playback-bar")
  bar.setAttribute("aria-label", "Progress of the run")
  const button = (action) => {
    const element = part("button", "icon-button")
    element.type = "button"
    element.dataset.action = action
    element.title = NAMES[action]
    element.setAttribute("aria-label", NAMES[action])
    element.append(icon(ICONS[action]))
    element.addEventListener("click", () => model.send_msg({action}))
    return element
  }
  const buttons = {pause: button("pause"), resume: button("resume"), stop: button("stop")}
  const stage = part("span", "stage")
  const track = part("span", "track")
  track.setAttribute("role", "progressbar")
  track.setAttribute("aria-label", "Share of the stage that is done")
  const fill = part("span", "fill")
  track.append(fill)
  const curve = document.createElementNS(SVG, "svg")
  curve.setAttribute("class", "curve")
  curve.setAttribute("viewBox", "0 0 120 28")
  curve.setAttribute("preserveAspectRatio", "none")
  const line = document.createElementNS(SVG, "polyline")
  curve.append(line)
  const cost = part("span", "cost")
  cost.title = "Cross-entropy of the layout against the graph, a sampled estimate per edge: it falls as the map settles"
  const note = part("span", "note")
  bar.append(buttons.pause, buttons.resume, buttons.stop, stage, track, note, curve, cost)

  const draw = () => {
    const state = model.state
    const empty = !state.status
    bar.classList.toggle("empty", empty)
    if (empty) { stage.textContent = "No run on the map"; }
    buttons.pause.hidden = !state.can_pause
    buttons.resume.hidden = !state.can_resume
    buttons.stop.hidden = !state.can_stop
    track.hidden = empty
    for (const hidden of [note, curve, cost]) { hidden.toggleAttribute("hidden", empty) }
    if (empty) { return }
    stage.replaceChildren(part("b", "", state.n_epochs ? `epoch ${number.format(state.epoch)}` : state.stage),
      state.n_epochs ? ` / ${number.format(state.n_epochs)}` : "")
    fill.style.width = `${100 * state.fraction}%`
    track.setAttribute("aria-valuenow", Math.round(100 * state.fraction))
    bar.dataset.status = state.status
    note.textContent = state.note
    const costs = state.costs
    const low = Math.min(...costs), high = Math.max(...costs)
    const across = Math.max(1, state.fraction ? (costs.length - 1) / state.fraction : costs.length - 1)
    line.setAttribute("points", costs.map((value, at) =>
      `${(120 * at / across).toFixed(1)},${(26 - 24 * (value - low) / ((high - low) || 1)).toFixed(1)}`).join(" "))
    cost.textContent = costs.length ? `cost ${costs[costs.length - 1].toFixed(3)}` : ""
  }
  model.on("state", draw)
  draw()
  return bar
}

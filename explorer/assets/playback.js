// Progress of the run on the map, its buttons and its cost curve; at rest its history, to scrub and to play.
const ICONS = {pause: "M5 3v10M11 3v10", resume: "M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13M6 4l6 4l-6 4z", stop: "M4 4h8v8H4z", play: "M5 3v10l8-5z",
  rest: "M5 3v10M11 3v10", previous: "M12 3v10L5 8zM3.500 3v10", next: "M4 3v10l7-5zM12.500 3v10",
  newest: "M2.500 3v10l5-5zM7.500 3v10l5-5zM13.500 3v10"}
const NAMES = {pause: "Pause", resume: "Resume", stop: "Stop, keeping the map as it is", play: "Play",
  rest: "Pause playing", previous: "Previous frame", next: "Next frame", newest: "Newest map"}
const TITLES = {play: "Play how the map formed (Space)", rest: "Pause playing (Space)",
  previous: "Show the kept epoch before (←)", next: "Show the next kept epoch (→)", newest: "Show the newest map (End)"}
const LEAP = 10
const WIDTH = 120, HEIGHT = 28, THUMB = 14

export function render({model}) {
  const bar = part("div", "playback-bar")
  bar.setAttribute("aria-label", "Progress of the run")
  const name = (element, action) => {
    if (element.dataset.action === action) { return }
    element.dataset.action = action
    element.title = TITLES[action] ?? NAMES[action]
    element.setAttribute("aria-label", NAMES[action])
    element.replaceChildren(icon(ICONS[action]))
  }
  const button = (action, act) => {
    const element = part("button", "icon-button")
    element.type = "button"
    name(element, action)
    element.addEventListener("click", act)
    return element
  }
  const buttons = Object.fromEntries(["pause", "resume", "stop"].map((action) =>
    [action, button(action, () => model.send_msg({action}))]))
  const stage = part("span", "stage")
  const track = part("span", "track")
  track.setAttribute("role", "progressbar")
  track.setAttribute("aria-label", "Share of the stage that is done")
  const fill = part("span", "fill")
  track.append(fill)
  const drawn = (kind, className) => {
    const element = document.createElementNS(SVG, kind)
    element.setAttribute("class", className)
    return element
  }
  const curve = drawn("svg", "curve")
  curve.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`)
  curve.setAttribute("preserveAspectRatio", "none")
  curve.setAttribute("role", "img")
  const about = document.createElementNS(SVG, "title")
  const line = drawn("polyline", "costs"), apart = drawn("polyline", "apart")
  const since = drawn("line", "since"), cursor = drawn("line", "cursor")
  curve.append(about, since, line, apart, cursor)
  const cost = part("span", "cost")
  cost.title = "Cross-entropy of the layout against the graph, a sampled estimate per edge: it falls as the map settles"
  const note = part("span", "note")

  // The history: what was chosen here is shown at once, until the server says that it has done the last choice.
  const past = () => model.state.past ?? {}
  let chosen = 0, sent = 0
  const at = () => past().asked >= sent ? model.state.epoch : chosen
  const place = () => past().epochs.indexOf(at())
  const choose = (frame) => {
    const {epochs} = past()
    chosen = epochs[Math.max(0, Math.min(frame, epochs.length - 1))]
    sent = Math.max(sent, past().asked) + 1
    model.send_msg({action: "epoch", epoch: chosen, number: sent})
    draw()
  }
  const toggle = () => model.send_msg({action: past().playing ? "rest" : "play"})
  const steps = part("span", "frames")
  const player = button("play", toggle)
  const previous = button("previous", () => choose(place() - 1)), next = button("next", () => choose(place() + 1))
  const newest = button("newest", () => choose(past().epochs.length - 1))
  steps.append(previous, player, next, newest)
  const slider = part("span", "scrub"), thumb = part("span", "thumb"), rail = part("span", "track")
  const gone = part("span", "fill")
  rail.append(gone)
  slider.append(rail, thumb)
  slider.tabIndex = 0
  slider.title = "Drag, or press arrow keys, to see the run at the epochs it has kept; Space plays"
  slider.setAttribute("role", "slider")
  slider.setAttribute("aria-label", "Epoch shown")

  const under = (event) => {
    const {epochs} = past(), box = rail.getBoundingClientRect()
    const first = epochs[0], wanted = first + (epochs.at(-1) - first) * (event.clientX - box.left) / box.width
    const away = epochs.map((epoch) => Math.abs(epoch - wanted))
    return away.indexOf(Math.min(...away))
  }
  const drag = (event) => {
    if (!slider.hasPointerCapture(event.pointerId) || !past().epochs) { return }
    const frame = under(event)
    if (frame !== place()) { choose(frame) }
  }
  slider.addEventListener("pointerdown", (event) => {
    if (event.button) { return }
    slider.setPointerCapture(event.pointerId)
    drag(event)
  })
  slider.addEventListener("pointermove", drag)
  const KEYS = {ArrowLeft: () => place() - 1, ArrowDown: () => place() - 1, ArrowRight: () => place() + 1,
    ArrowUp: () => place() + 1, PageDown: () => place() - LEAP, PageUp: () => place() + LEAP, Home: () => 0,
    End: () => past().epochs.length - 1}
  slider.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key === " " || KEYS[event.key])) { return }
    event.preventDefault()
    if (event.key === " ") { toggle() } else { choose(KEYS[event.key]()) }
  })
  bar.append(buttons.pause, buttons.resume, buttons.stop, steps, stage, track, slider, note, curve, cost)

  const across = (epoch) => (WIDTH * epoch / model.state.n_epochs).toFixed(1)
  const drawHistory = (shown) => {
    const {epochs, playing} = past(), first = epochs[0], last = epochs.at(-1)
    name(player, playing ? "rest" : "play")
    previous.disabled = shown === first
    next.disabled = newest.disabled = shown === last
    const share = (shown - first) / (last - first)
    gone.style.width = `${100 * share}%`
    thumb.style.left = `calc((100% - ${THUMB}px) * ${share})`
    slider.setAttribute("aria-valuemin", first)
    slider.setAttribute("aria-valuemax", last)
    slider.setAttribute("aria-valuenow", shown)
    slider.setAttribute("aria-valuetext", `epoch ${number.format(shown)} of ${number.format(model.state.n_epochs)}`)
  }
  const drawCurve = (shown) => {
    const {costs, fraction} = model.state, {epochs, formed} = past()
    const low = Math.min(...costs), high = Math.max(...costs)
    const most = Math.max(1, fraction ? (costs.length - 1) / fraction : costs.length - 1)
    const up = (share) => (26 - 24 * Math.max(0, share)).toFixed(1)
    line.setAttribute("points", costs.map((value, place) =>
      `${(WIDTH * place / most).toFixed(1)},${up((value - low) / ((high - low) || 1))}`).join(" "))
    apart.setAttribute("points", formed?.length ? formed.map((share, place) => `${across(epochs[place])},${up(share)}`).join(" ") : "")
    const stand = (element, epoch) => {
      element.toggleAttribute("hidden", epoch === null)
      if (epoch === null) { return }
      const x = across(epoch)
      for (const [key, value] of Object.entries({x1: x, x2: x, y1: 0, y2: HEIGHT})) { element.setAttribute(key, value) }
    }
    stand(cursor, epochs ? shown : null)
    stand(since, formed?.length ? past().since : null)
    about.textContent = "Cost over the epochs" + (epochs ? `, epoch ${number.format(shown)} marked` : "")
      + (formed?.length ? "; green: how far the selection stands apart, 0 to 1" : "")
  }
  const draw = () => {
    const state = model.state
    const empty = !state.status, scrubs = Boolean(past().epochs)
    bar.classList.toggle("empty", empty)
    if (empty) { stage.textContent = "No run on the map"; }
    buttons.pause.hidden = !state.can_pause
    buttons.resume.hidden = !state.can_resume
    buttons.stop.hidden = !state.can_stop
    steps.hidden = slider.hidden = !scrubs
    track.hidden = empty || scrubs
    for (const hidden of [note, curve, cost]) { hidden.toggleAttribute("hidden", empty) }
    if (empty) { return }
    const shown = scrubs ? at() : state.epoch
    stage.replaceChildren(part("b", "", state.n_epochs ? `epoch ${number.format(shown)}` : state.stage),
      state.n_epochs ? ` / ${number.format(state.n_epochs)}` : "")
    // As wide for every epoch: what is dragged must not move from under the pointer.
    stage.style.minWidth = state.n_epochs ? `${2 * number.format(state.n_epochs).length + 10}ch` : ""
    fill.style.width = `${100 * state.fraction}%`
    track.setAttribute("aria-valuenow", Math.round(100 * state.fraction))
    bar.dataset.status = state.status
    note.textContent = state.note
    if (scrubs) { drawHistory(shown) }
    drawCurve(shown)
    cost.textContent = typeof state.cost === "number" ? `cost ${state.cost.toFixed(3)}` : ""
  }
  model.on("state", draw)
  draw()
  return bar
}

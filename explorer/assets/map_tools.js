// The map's tools. Keys work wherever the focus is, unless it is in a field that takes text.
const TOOLS = [
  ["pan", "Pan", "Drag to move the map (P)", "M8 1v14M1 8h14M8 1 6 3M8 1l2 2M8 15l-2-2M8 15l2-2M1 8l2-2M1 8l2 2M15 8l-2-2M15 8l-2 2"],
  ["lasso", "Lasso", "Drag around items to select them (L)", "M8 2.5c3.6 0 6.5 1.9 6.5 4.3S11.6 11 8 11c-1 0-2-.1-2.800-.4M8 2.500C4.400 2.500 1.500 4.400 1.500 6.800c0 1.300.9 2.400 2.200 3.200M5.500 12.500a1.700 1.700 0 1 1-3.400 0 1.700 1.700 0 0 1 3.400 0Zm-1.300 1.600c0 .8-.6 1.200-1.400 1.400"],
  ["box", "Box", "Drag a rectangle to select the items in it (B)", "M2 3.500h12v9H2z"],
]
const ACTIONS = [
  ["undo", "Undo the last change of the selection (Ctrl+Z)", "M3 6h6.500a3.500 3.500 0 0 1 0 7H6M3 6l3-3M3 6l3 3"],
  ["redo", "Redo (Ctrl+Shift+Z)", "M13 6H6.500a3.500 3.500 0 0 0 0 7H10M13 6l-3-3M13 6l-3 3"],
  ["fit", "Show the whole map (F or double-click)", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"],
]
const KEYS = {p: "pan", l: "lasso", b: "box"}
const SVG = "http://www.w3.org/2000/svg"

function icon(path) {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", "0 0 16 16")
  svg.setAttribute("aria-hidden", "true")
  const line = document.createElementNS(SVG, "path")
  line.setAttribute("d", path)
  svg.append(line)
  return svg
}

function takesText() {
  let focus = document.activeElement
  while (focus && focus.shadowRoot && focus.shadowRoot.activeElement) { focus = focus.shadowRoot.activeElement }
  return focus && (["INPUT", "TEXTAREA", "SELECT"].includes(focus.tagName) && focus.type !== "range" || focus.isContentEditable)
}

export function render({model}) {
  const bar = document.createElement("div")
  bar.className = "tool-bar"
  bar.setAttribute("role", "toolbar")
  bar.setAttribute("aria-label", "Map tools")
  const group = document.createElement("div")
  group.className = "tool-group"
  const hint = document.createElement("div")
  hint.className = "hint"
  hint.textContent = "Shift adds · Alt subtracts · Esc clears"
  bar.append(group, hint)

  const send = (action) => model.send_msg({action})
  const button = (name, title, path, text, act) => {
    const element = document.createElement("button")
    element.type = "button"
    element.title = title
    element.setAttribute("aria-label", text || title)
    element.dataset.action = name
    element.append(icon(path))
    if (text) { element.append(text) }
    element.addEventListener("click", act)
    group.append(element)
    return element
  }
  const tools = TOOLS.map(([name, text, title, path]) =>
    button(name, title, path, text, () => { model.tool = name }))
  const gap = document.createElement("span")
  gap.className = "gap"
  group.append(gap)
  const actions = Object.fromEntries(ACTIONS.map(([name, title, path]) =>
    [name, button(name, title, path, "", () => send(name))]))

  const draw = () => {
    for (const element of tools) { element.setAttribute("aria-pressed", element.dataset.action === model.tool) }
    actions.undo.disabled = !model.can_undo
    actions.redo.disabled = !model.can_redo
  }
  model.on(["tool", "can_undo", "can_redo"], draw)
  draw()

  const onKey = (event) => {
    const key = event.key.toLowerCase()
    if (takesText()) { return }
    if (event.key === "Escape") { return send("clear") }
    if ((event.ctrlKey || event.metaKey) && key === "z") {
      event.preventDefault()
      return send(event.shiftKey ? "redo" : "undo")
    }
    if (event.ctrlKey || event.metaKey || event.altKey) { return }
    if (KEYS[key]) { model.tool = KEYS[key] }
    if (key === "f") { send("fit") }
  }
  // Only who walks by keyboard needs to see that the map has the focus; a drag gives it, too.
  const outline = (width) => document.documentElement.style.setProperty("--map-outline", width)
  const onWalk = (event) => { if (event.key === "Tab") { outline("1px") } }
  const onPress = () => outline("0px")
  const listeners = [["keydown", onKey, false], ["keydown", onWalk, true], ["pointerdown", onPress, true]]
  for (const [name, listener, capture] of listeners) { document.addEventListener(name, listener, capture) }
  model.on("remove", () => {
    for (const [name, listener, capture] of listeners) { document.removeEventListener(name, listener, capture) }
  })
  return bar
}

// The map's tools. Keys work wherever the focus is, unless it is in a field that takes text.
const RING = "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11Z"
const TOOLS = [
  ["pan", "Pan", "Drag to move the map (P)", "M8 1v14M1 8h14M8 1 6 3M8 1l2 2M8 15l-2-2M8 15l2-2M1 8l2-2M1 8l2 2M15 8l-2-2M15 8l-2 2"],
  ["lasso", "Lasso", "Drag around items to select them (L)", "M8 2.5c3.6 0 6.5 1.9 6.5 4.3S11.6 11 8 11c-1 0-2-.1-2.800-.4M8 2.500C4.400 2.500 1.500 4.400 1.500 6.800c0 1.300.9 2.400 2.200 3.200M5.500 12.500a1.700 1.700 0 1 1-3.400 0 1.700 1.700 0 0 1 3.400 0Zm-1.300 1.600c0 .8-.6 1.200-1.400 1.400"],
  ["box", "Box", "Drag a rectangle to select the items in it (B)", "M2 3.500h12v9H2z"],
]
const MODES = [
  ["replace", "New selection", "What you choose becomes the selection", RING],
  ["union", "Add to the selection", "Shift", `${RING}M8 5.500v5M5.500 8h5`],
  ["subtract", "Subtract from the selection", "Alt", `${RING}M5.500 8h5`],
  ["intersect", "Keep the overlap", "Shift+Alt", "M6 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9ZM10 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9Z"],
]
const ACTIONS = [
  ["undo", "Undo the last change of the selection (Ctrl+Z)", "M3 6h6.500a3.500 3.500 0 0 1 0 7H6M3 6l3-3M3 6l3 3"],
  ["redo", "Redo (Ctrl+Shift+Z)", "M13 6H6.500a3.500 3.500 0 0 0 0 7H10M13 6l-3-3M13 6l-3 3"],
  ["fit", "Show the whole map (0 or double-click)", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"],
]
const LINK = "M6.500 9.500a2.800 2.800 0 0 0 4 0l2.500-2.500a2.800 2.800 0 0 0-4-4l-1 1M9.500 6.500a2.800 2.800 0 0 0-4 0L3 9a2.800 2.800 0 0 0 4 4l1-1"
const KEYS = {p: "pan", l: "lasso", b: "box"}
const LOOKS = {s: "screen", "0": "fit", f: "fit", "+": "nearer", "=": "nearer", "-": "farther", arrowleft: "left", arrowright: "right",
  arrowup: "up", arrowdown: "down"}
const SHORTCUTS = [
  ["P, L, B", "pan, lasso, box"],
  ["Scroll, + and −", "zoom in and out"],
  ["Arrow keys", "move the map"],
  ["0 or double-click", "show the whole map"],
  ["Click, Enter", "pin the item under the pointer, in the middle"],
  ["Click with lasso or box", "select a cluster, when clusters colour the map"],
  ["S", "select what is on the screen"],
  ["Z", "with maps side by side: link their zoom, or free it"],
  ["Shift, Alt, both", "while you select: add, subtract, keep the overlap"],
  ["Esc", "select nothing"],
  ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo (⌘ on a Mac)"],
  ["?", "show or hide this list"],
]
const UNDOES = "Ctrl+Z undoes · Ctrl+Shift+Z redoes"
const GOALS = {replace: "to select them", union: "to add them", subtract: "to take them out", intersect: "to keep just these"}

// An open menu finds its entries by their letters; a closed one has the focus still, and no use for a letter.
function takesLetters(focus) {
  return focus && focus.closest('[role="listbox"], [role="menu"], [role="combobox"][aria-expanded="true"]')
}

function takesArrows(focus) {
  return focus && (focus.type === "range"
    || ["tab", "slider", "combobox", "listbox", "option", "grid", "menuitem"].includes(focus.getAttribute("role"))
    || focus.closest('[role="grid"], [role="listbox"], [role="menu"]'))
}

function shortcuts() {
  const help = part("div", "shortcuts")
  help.setAttribute("role", "dialog")
  help.setAttribute("aria-label", "Keys of the map")
  help.tabIndex = -1
  help.hidden = true
  const list = part("dl", "")
  for (const [keys, what] of SHORTCUTS) { list.append(part("dt", "", keys), part("dd", "", what)) }
  help.append(part("b", "", "Keys of the map"), list)
  return help
}

export function render({model}) {
  const bar = part("div", "tool-bar")
  bar.setAttribute("role", "toolbar")
  bar.setAttribute("aria-label", "Map tools")
  const group = part("div", "tool-group")
  const hint = part("div", "hint"), doing = part("span", "doing"), keys = part("span", "keys")
  hint.append(doing, keys)
  const help = shortcuts()
  bar.append(group, hint, help)

  const send = (action) => model.send_msg({action})
  const button = (name, label, title, path, text, act) => {
    const element = part("button", "")
    element.type = "button"
    element.title = title
    element.setAttribute("aria-label", label)
    element.dataset.action = name
    element.append(icon(path))
    if (text) { element.append(text) }
    element.addEventListener("click", act)
    group.append(element)
    return element
  }
  const gap = () => group.append(part("span", "gap"))
  const tools = TOOLS.map(([name, text, title, path]) =>
    button(name, text, title, path, text, () => { model.tool = name }))
  gap()
  const modes = MODES.map(([name, label, key, path]) =>
    button(name, label, `${label} (${key})`, path, "", () => { chosen = name; draw() }))
  gap()
  const actions = Object.fromEntries(ACTIONS.map(([name, title, path]) =>
    [name, button(name, title, title, path, "", () => send(name))]))
  const link = button("link", "Linked zoom", "", LINK, "Linked", () => send("link"))
  const asked = button("help", "Keys of the map", "Keys of the map (?)", "M5.500 6a2.500 2.500 0 1 1 3.600 2.200C8.300 8.600 8 9 8 10M8 12.800v.1", "",
    () => explain(help.hidden))
  asked.setAttribute("aria-haspopup", "dialog")

  const explain = (open) => {
    help.hidden = !open
    asked.setAttribute("aria-expanded", open)
    if (open) { help.focus() } else if (help.contains(focused())) { asked.focus() }
  }
  explain(false)

  // The one place where the mode is decided. It is told by message, as a property would come after the gesture.
  let chosen = "replace", held = "", told = chosen
  // The maps are told at once, from script to script: the answer of the server would come into the drag.
  let taken = ""
  const take = () => {
    if (taken === model.tool) { return }
    taken = document.documentElement.dataset.mapTool = model.tool
    document.dispatchEvent(new CustomEvent("map-tool"))
  }
  const draw = () => {
    take()
    const mode = held || chosen
    if (mode !== told) { told = mode; model.send_msg({action: "mode", mode}) }
    for (const element of tools) { element.setAttribute("aria-pressed", element.dataset.action === model.tool) }
    for (const element of modes) { element.setAttribute("aria-pressed", element.dataset.action === mode) }
    actions.undo.disabled = !model.can_undo
    actions.redo.disabled = !model.can_redo
    link.hidden = !model.several
    link.setAttribute("aria-pressed", model.linked)
    link.title = model.linked ? "All maps show the same place; press to move each by itself (Z)"
      : "Each map moves by itself, the buttons move the one used last; press to show the same place on all (Z)"
    const click = model.aim && `click ${model.aim}s`
    doing.textContent = model.tool !== "pan"
      ? `${model.tool === "box" ? "Drag a box over" : "Drag around"} items${click && ` or ${click}`} ${GOALS[mode]}`
      : `Drag to move the map${model.aim === "region" ? `, ${click} ${GOALS[mode]}` : ""}`
    keys.textContent = ` · ${model.tool === "pan" ? "Scroll zooms · double-click shows all" : "Shift adds · Alt subtracts · Esc clears"} · ${UNDOES}`
  }
  model.on(["tool", "aim", "can_undo", "can_redo", "several", "linked"], draw)
  draw()

  const onHeld = (event) => {
    const now = modeHeld(event)
    if (now !== held) { held = now; draw() }
  }
  const onKey = (event) => {
    const key = event.key.toLowerCase(), focus = focused()
    if (takesText(focus)) { return }
    if (event.key === "Escape") { return help.hidden ? send("clear") : explain(false) }
    if ((event.ctrlKey || event.metaKey) && key === "z") {
      event.preventDefault()
      return send(event.shiftKey ? "redo" : "undo")
    }
    if (event.ctrlKey || event.metaKey) { return }
    if (event.altKey) {
      // A letter typed with Alt may be another sign, so the key itself counts.
      if (event.code === "KeyS" && !takesLetters(focus)) { event.preventDefault(); send("screen") }
      return
    }
    if (key === "?") { return explain(help.hidden) }
    if (takesLetters(focus) || key.startsWith("arrow") && takesArrows(focus)) { return }
    if (KEYS[key]) { model.tool = KEYS[key] }
    if (key === "z" && model.several) { send("link") }
    if (LOOKS[key]) {
      event.preventDefault()
      send(LOOKS[key])
    }
  }
  // Only who walks by keyboard needs to see that the map has the focus; a drag gives it, too.
  const outline = (width) => document.documentElement.style.setProperty("--map-outline", width)
  // The number in a field is written otherwise while it has the focus, and a text that changes is selected no
  // longer: what is typed would be added to it.
  const selectAgain = () => { if (takesText(focused()) && focused().tagName === "INPUT") { focused().select() } }
  const onWalk = (event) => { if (event.key === "Tab") { outline("1px"); setTimeout(selectAgain) } }
  const onPress = (event) => {
    outline("0px")
    if (!help.hidden && !event.composedPath().includes(help) && !event.composedPath().includes(asked)) { explain(false) }
  }
  const onBlur = () => onHeld({})
  const listeners = [["keydown", onKey, false], ["keydown", onHeld, true], ["keyup", onHeld, true],
    ["pointerdown", onHeld, true], ["keydown", onWalk, true], ["pointerdown", onPress, true]]
  for (const [name, listener, capture] of listeners) { document.addEventListener(name, listener, capture) }
  window.addEventListener("blur", onBlur)
  model.on("remove", () => {
    for (const [name, listener, capture] of listeners) { document.removeEventListener(name, listener, capture) }
    window.removeEventListener("blur", onBlur)
  })
  return bar
}

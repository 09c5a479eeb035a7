// What every script of the page begins with: elements whose text is set as text, never as markup.
// LONGEST_NAME comes before, from the model.
const number = new Intl.NumberFormat("en-US")
const SVG = "http://www.w3.org/2000/svg"

function part(kind, className, text) {
  const element = document.createElement(kind)
  element.className = className
  if (text !== undefined) { element.textContent = text }
  return element
}

function icon(path) {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", "0 0 16 16")
  svg.setAttribute("aria-hidden", "true")
  const line = document.createElementNS(SVG, "path")
  line.setAttribute("d", path)
  svg.append(line)
  return svg
}

const RENAME = "M3 13l.7-3L11 2.700l2.300 2.300L6 12.300 3 13Z"
const DELETE = "M3 4.500h10M6.500 4.500v-2h3v2M4.500 4.500l.5 9h6l.5-9M7 7v4.500M9 7v4.500"

// A small button with a picture on it, which its label tells.
function iconButton(className, label, path, act) {
  const button = part("button", className)
  button.type = "button"
  button.title = label
  button.setAttribute("aria-label", label)
  button.append(icon(path))
  button.addEventListener("click", act)
  return button
}

// A field for a name: Enter takes what stands in it, Escape and leaving it do not. It is closed once, and told
// whether by a key.
function nameField(className, label, value, take, close) {
  const field = part("input", className)
  field.value = value
  field.maxLength = LONGEST_NAME
  field.setAttribute("aria-label", label)
  let open = true
  const shut = (byKey) => { if (open) { open = false; close(byKey) } }
  field.addEventListener("keydown", (event) => {
    event.stopPropagation()
    if (event.key !== "Enter" && event.key !== "Escape") { return }
    event.preventDefault()  // or Enter would press the button that gets the focus
    if (event.key === "Enter") { take(field.value) }
    shut(true)
  })
  field.addEventListener("blur", () => shut(false))
  return field
}

// Scroll whatever holds an element up to its beginning.
function scrollUp(element) {
  for (let node = element; node; node = node.parentNode || node.host) {
    if (node.scrollTop > 0) { node.scrollTo({top: 0}) }
  }
}

// What is clicked, or pressed with Enter, is picked; with Ctrl or Cmd it is added.
function pickable(element, pick) {
  const act = (event) => pick(event.ctrlKey || event.metaKey)
  element.addEventListener("click", act)
  // Browsers press a button with Enter, but not with Ctrl-Enter.
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); act(event) }
  })
}

// New children in place of the old, of which one may have the focus: its successor by key gets it.
function replaceKeepingFocus(list, children) {
  const focused = list.getRootNode().activeElement?.dataset?.key
  list.replaceChildren(...children)
  if (focused !== undefined) { list.querySelector(`[data-key="${focused}"]`)?.focus() }
}

// Where the keys go: to a field that takes text, to a part that moves by arrows, or to the map.
function focused() {
  let focus = document.activeElement
  while (focus && focus.shadowRoot && focus.shadowRoot.activeElement) { focus = focus.shadowRoot.activeElement }
  return focus
}

const WITHOUT_TEXT = ["range", "checkbox", "radio"]

function takesText(focus) {
  return focus && (focus.isContentEditable
    || ["INPUT", "TEXTAREA", "SELECT"].includes(focus.tagName) && !WITHOUT_TEXT.includes(focus.type))
}

// The mode that the keys held with an event ask for; empty for none.
function modeHeld({shiftKey, altKey}) {
  return altKey && shiftKey ? "intersect" : altKey ? "subtract" : shiftKey ? "union" : ""
}

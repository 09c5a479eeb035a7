// The condensed tree: a bar for each branch, its width the items in it, downwards denser; a line that cuts it.
const WIDE = 1000, HIGH = 600, LEAST_HEIGHT = 5, SEND_MS = 120, STEP = 0.01, LEAP = 0.05
// Narrower than this share of all, a bar would be covered by the seam around it.
const SLIM = 0.012
const HINT = "Click a branch to select its items, double-click to zoom into it. Drag the line to cut the tree."

function outline({middle, widths, top, bottom}) {
  const y0 = top * HIGH, y1 = Math.max(bottom * HIGH, y0 + LEAST_HEIGHT)
  const at = (step) => y0 + (y1 - y0) * step / widths.length
  const last = widths[widths.length - 1]
  const steps = [...widths, last].map((width, step) => [Math.max(width * WIDE, 1) / 2, at(step)])
  const side = (sign, list) => list.map(([half, y]) => `${(middle * WIDE + sign * half).toFixed(1)},${y.toFixed(1)}`)
  return [...side(-1, steps), ...side(1, steps).reverse()].join(" ")
}

export function render({model}) {
  const whole = part("div", "condensed"), plot = part("div", "plot")
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`)
  svg.setAttribute("preserveAspectRatio", "none")
  svg.setAttribute("role", "listbox")
  svg.setAttribute("aria-label", "Branches of the condensed tree")
  svg.setAttribute("tabindex", "0")
  const line = part("div", "cut")
  line.setAttribute("role", "slider")
  line.setAttribute("aria-label", "Cut of the tree")
  line.setAttribute("aria-orientation", "vertical")
  line.setAttribute("aria-valuemin", "0")
  line.setAttribute("aria-valuemax", "100")
  line.tabIndex = 0
  line.title = "Drag, or press arrow keys: every branch that the line crosses becomes a cluster"
  const tag = part("span", "cut-tag")
  line.append(tag)
  const said = part("div", "tree-said")
  said.setAttribute("role", "status")
  const frame = part("div", "frame")
  const back = part("button", "whole-tree", "Whole tree")
  back.type = "button"
  back.title = "Shows the whole tree again (−)"
  back.addEventListener("click", () => zoom(0))
  plot.append(svg, line, back)
  frame.append(plot)
  whole.append(frame, said)

  let bars = [], shown = [], focus = 0
  const zoom = (key) => model.send_msg({act: "zoom", key})
  const tell = (bar) => { said.textContent = bar ? bar.said : hint() }
  const hint = () => {
    const n = model.state.hidden
    return n ? `${HINT} ${n === 1 ? "1 small branch is" : `${number.format(n)} small branches are`} not drawn.` : HINT
  }
  const picked = () => bars.find((bar) => bar.key === model.state.picked)

  // The cut follows the pointer at once; the server is told a few times a second, and of the last place always.
  let depth = 0, dragging = false, waiting = null
  const put = () => {
    const {least, most} = model.state
    const distance = (1 / (least * (most / least) ** depth)).toPrecision(3)
    line.style.top = `${100 * depth}%`
    line.setAttribute("aria-valuenow", Math.round(100 * depth))
    line.setAttribute("aria-valuetext", `distance ${distance}`)
    tag.textContent = `cut at ${distance}`
    tag.classList.toggle("under", depth < 0.1)
  }
  const send = () => {
    waiting ??= setTimeout(() => {
      waiting = null
      model.send_msg({act: "cut", depth})
    }, SEND_MS)
  }
  const move = (to) => {
    depth = Math.min(1, Math.max(0, to))
    line.classList.remove("idle")
    put()
    send()
  }
  line.addEventListener("pointerdown", (event) => {
    event.preventDefault()
    line.focus()
    dragging = true
    line.setPointerCapture(event.pointerId)
  })
  line.addEventListener("pointermove", (event) => {
    if (!dragging) { return }
    const {top, height} = plot.getBoundingClientRect()
    move((event.clientY - top) / height)
  })
  const release = () => { dragging = false }
  line.addEventListener("pointerup", release)
  line.addEventListener("pointercancel", release)
  const CUTS = {ArrowUp: -STEP, ArrowLeft: -STEP, ArrowDown: STEP, ArrowRight: STEP, PageUp: -LEAP, PageDown: LEAP}
  line.addEventListener("keydown", (event) => {
    if (!(event.key in CUTS)) { return }
    event.preventDefault()
    event.stopPropagation()
    move(depth + CUTS[event.key])
  })

  // From branch to branch by arrows: up to the parent, down to the largest below, sidewards to those beside.
  const near = (key, by) => {
    const beside = bars.filter((bar) => bar.parent === bars.find((one) => one.key === key).parent)
      .sort((one, other) => one.middle - other.middle)
    return beside[beside.findIndex((bar) => bar.key === key) + by]
  }
  const STEPS = {
    ArrowUp: (bar) => bars.find((one) => one.key === bar.parent),
    ArrowDown: (bar) => bars.filter((one) => one.parent === bar.key).sort((a, b) => b.widths[0] - a.widths[0])[0],
    ArrowLeft: (bar) => near(bar.key, -1),
    ArrowRight: (bar) => near(bar.key, 1),
  }
  const look = () => {
    const at = bars.findIndex((bar) => bar.key === focus)
    shown.forEach((shape, place) => shape.classList.toggle("focus", place === at))
    svg.setAttribute("aria-activedescendant", `branch-${focus}`)
    if (bars[at]) { tell(bars[at]) }
  }
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) { look() } })
  svg.addEventListener("blur", () => {
    shown.forEach((shape) => shape.classList.remove("focus"))
    tell(picked())
  })
  svg.addEventListener("keydown", (event) => {
    const bar = bars.find((one) => one.key === focus)
    if (!bar || !(event.key in STEPS || ["Enter", "+", "-"].includes(event.key))) { return }
    event.preventDefault()
    event.stopPropagation()
    if (event.key === "+" || event.key === "-") { zoom(event.key === "+" ? focus : 0); return }
    if (event.key === "Enter") { model.send_msg({act: "pick", key: focus, mode: modeHeld(event)}); return }
    focus = STEPS[event.key](bar)?.key ?? focus
    look()
  })

  const shape = (bar) => {
    const polygon = document.createElementNS(SVG, "polygon")
    polygon.setAttribute("points", outline(bar))
    polygon.setAttribute("class", bar.within ? "bar within" : bar.colour ? "bar own" : "bar")
    polygon.setAttribute("role", "option")
    polygon.setAttribute("id", `branch-${bar.key}`)
    polygon.setAttribute("aria-label", bar.said)
    polygon.setAttribute("aria-selected", bar.key === model.state.picked)
    polygon.dataset.key = bar.key
    polygon.classList.toggle("slim", bar.widths[0] < SLIM)
    if (bar.colour) { polygon.style.fill = bar.colour }
    polygon.addEventListener("pointerenter", () => tell(bar))
    polygon.addEventListener("pointerleave", () => tell(picked()))
    polygon.addEventListener("click", (event) => {
      focus = bar.key
      // Not by a listener for it: the first click has drawn the bars anew.
      if (event.detail > 1) { zoom(bar.key); return }
      model.send_msg({act: "pick", key: bar.key, mode: modeHeld(event)})
    })
    return polygon
  }

  const draw = () => {
    bars = model.state.bars ?? []
    whole.hidden = bars.length === 0
    if (whole.hidden) { return }
    if (!bars.some((bar) => bar.key === focus)) { focus = bars[0].key }
    shown = bars.map(shape)
    svg.replaceChildren(...shown)
    const {cut} = model.state
    back.hidden = !model.state.zoomed
    line.classList.toggle("idle", cut < 0 && !dragging)
    // What is being dragged is further than what the server says of it.
    if (!dragging && waiting === null) {
      if (cut >= 0) { depth = cut }
      put()
    }
    tell(picked())
  }
  model.on("state", draw)
  draw()
  return whole
}

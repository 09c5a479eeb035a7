// Over the frame of a map: the tooltip, the scale of density, notes, and what stands in the place of a map.
const DESCRIPTION = "Items near one another are alike. Drag to pan or select, scroll or press + and - to zoom, "
  + "arrow keys move, Enter pins the item in the middle, 0 shows the whole map, question mark lists all keys."
const CAUTION = "Colour tells how many items share a pixel. Who lies beside whom means much; the distances between "
  + "islands, and their sizes, mean little."
// A second press within TWICE is a double-click, which shows the whole map and neither pins nor selects.
const STILL = 4, PATIENCE = 2000, GAP = 14, TWICE = 250
// As long as a timer can run, in ms.
const NEVER = 2 ** 31 - 1
// How far from the edge an arrow points to an item beyond it.
const EDGE = 14
// What moves beneath a pointer at rest is named anew so often; these keys move nothing.
const AGAIN = 500, STILL_KEYS = ["Enter", "Shift", "Alt", "Control", "Meta"]

export function render({model, view}) {
  const root = part("div", "over-map")
  const tip = part("div", "map-tip")
  tip.setAttribute("role", "tooltip")
  tip.hidden = true
  const state = part("div", "map-state")
  state.setAttribute("role", "status")
  const scale = part("div", "map-scale")
  const legend = part("div", "map-legend")
  const outside = part("div", "map-outside"), far = part("span", ""), everything = part("button", "link", "show all")
  everything.type = "button"
  everything.addEventListener("click", () => model.send_msg({action: "everything"}))
  outside.append(far, everything)
  const chosen = part("div", "unseen")
  chosen.setAttribute("aria-live", "polite")
  const cross = part("div", "map-cross")
  cross.hidden = true
  const label = part("div", "map-label")
  const mark = part("div", "map-mark")
  mark.setAttribute("aria-hidden", "true")
  mark.append(part("span", ""))
  mark.hidden = true
  root.append(state, scale, legend, outside, mark, cross, tip, chosen)
  const all = part("div", "map-parts")
  all.append(label, root)

  // What the analyst touches is the map below: it is that which gets the role, the name and the listeners.
  const map = view.el.getRootNode().host
  map.setAttribute("role", "application")
  map.setAttribute("aria-roledescription", "map")
  map.setAttribute("aria-description", DESCRIPTION)

  // Colours from low to high, and what they tell.
  const ramped = (box, {colours, low, high}, name, about) => {
    box.replaceChildren()
    box.hidden = !colours || Boolean(model.state.kind)
    if (box.hidden) { return }
    const ramp = part("span", "map-ramp")
    ramp.style.background = `linear-gradient(to right, ${colours.join(", ")})`
    box.append(part("span", "", low), ramp, part("span", "", high), part("span", "muted", name))
    box.title = about
  }

  // A drag, or a click, ends with the tool that it began with.
  let down = null
  const inHand = () => document.documentElement.dataset.mapTool
  const takeTool = () => {
    const tool = model.drag_tools[inHand()]
    if (!tool || down) { return }
    const find = (id) => view.model.document.get_model_by_id(id)
    find(model.figure).toolbar.active_drag = find(tool)
  }
  // To Bokeh a button held still for 0.3 s is a press, and it drops the drag that follows. Here nothing is pressed so.
  const mayRest = () => {
    const {canvas} = Bokeh.index.find_one_by_id(model.figure)
    canvas.ui_event_bus.ui_gestures.constructor.press_threshold = NEVER
  }
  const holds = (event) => down && event.pointerId === down.pointer
  const release = (event) => {
    if (!holds(event)) { return }
    down = null
    setTimeout(takeTool)  // Bokeh ends the drag by the same event
  }

  let elsewhere = null
  const draw = {
    title: () => map.setAttribute("aria-label", model.title),
    chosen: () => { chosen.textContent = model.chosen },
    label: () => {
      const {name, title, figures, used} = model.label, run = part("b", "", name || "")
      label.hidden = !name
      label.classList.toggle("used", Boolean(used))
      run.title = title || ""
      label.replaceChildren(run)
      for (const [words, about] of figures || []) {
        const figure = part("span", "muted", words)
        figure.title = about
        label.append(figure)
      }
    },
    // The item under the pointer of another map, or at the edge the way to it.
    view: () => {
      const [left, top, unit] = model.view
      mark.hidden = !elsewhere || !unit || Boolean(model.state.kind)
      if (mark.hidden) { return }
      const x = (elsewhere[0] - left) / unit, y = (top - elsewhere[1]) / unit
      const within = (value, most) => Math.min(Math.max(value, EDGE), Math.max(most - EDGE, EDGE))
      const away = x < 0 || y < 0 || x > root.clientWidth || y > root.clientHeight
      const at = away ? [within(x, root.clientWidth), within(y, root.clientHeight)] : [x, y]
      const turn = away ? Math.atan2(y - at[1], x - at[0]) : 0
      mark.classList.toggle("away", away)
      mark.style.transform = `translate(${at[0]}px, ${at[1]}px) rotate(${turn}rad)`
    },
    scale: () => ramped(scale, model.scale, "items per pixel", CAUTION),
    legend: () => ramped(legend, model.legend, model.legend.name, model.legend.about),
    outside: () => {
      outside.hidden = !model.outside || Boolean(model.state.kind)
      far.textContent = `${model.outside === 1 ? "1 point" : `${model.outside.toLocaleString("en-US")} points`} far outside · `
    },
    state: () => {
      const {kind, title, detail, fraction, note} = model.state
      state.hidden = !kind
      state.className = `map-state ${kind || ""}`
      state.replaceChildren(part("b", "", title || ""), part("span", "", detail || ""))
      if (kind === "loading") {
        const track = part("span", "track"), fill = part("span", "fill")
        track.setAttribute("role", "progressbar")
        track.setAttribute("aria-label", title)
        track.setAttribute("aria-valuenow", Math.round(100 * fraction))
        fill.style.width = `${100 * fraction}%`
        track.classList.toggle("waiting", !fraction)
        track.append(fill)
        state.append(track, part("span", "muted", note || ""))
      }
      draw.scale()
      draw.legend()
      draw.outside()
      draw.view()
    },
  }

  // One question at a time: the next one, about where the pointer is by then, follows the answer.
  let place = null, said = "", number = 0, asked = 0, pending = false, tapped = {time: -Infinity}
  const inside = (event) => {
    const box = root.getBoundingClientRect()
    const x = event.clientX - box.left, y = event.clientY - box.top
    return x >= 0 && y >= 0 && x < box.width && y < box.height ? {x, y} : null
  }
  const ask = () => {
    if (!place || down || (asked && performance.now() - asked < PATIENCE)) { pending = true; return }
    pending = false
    asked = performance.now()
    number += 1
    const mine = number
    model.send_msg({action: "hover", x: place.x, y: place.y, number})
    // A question that gets lost while a page arrives is asked again.
    setTimeout(() => { if (asked && mine === number) { asked = 0; ask() } }, PATIENCE)
  }
  // Maps side by side mark one another's items, from script to script: it takes no word of the server.
  let pointing = false
  const point = (places) => {
    if (!places && !pointing) { return }
    pointing = Boolean(places)
    document.dispatchEvent(new CustomEvent("map-item", {detail: places || {}}))
  }
  const onItem = ({detail}) => { elsewhere = detail[model.at] || null; draw.view() }
  document.addEventListener("map-item", onItem)
  const hide = () => { tip.hidden = true; pending = false; number += 1; asked = 0; point(null) }
  const put = () => {
    if (tip.hidden || !place) { return }
    const across = root.clientWidth - tip.offsetWidth, down_ = root.clientHeight - tip.offsetHeight
    const x = place.x + GAP <= across ? place.x + GAP : place.x - GAP - tip.offsetWidth
    const y = place.y + GAP <= down_ ? place.y + GAP : place.y - GAP - tip.offsetHeight
    tip.style.transform = `translate(${Math.max(0, Math.min(x, across))}px, ${Math.max(0, Math.min(y, down_))}px)`
  }
  const show = () => {
    const {number: answered, title, values, more, picture, elsewhere: places} = model.tip
    if (answered !== number) { return }
    asked = 0
    tip.hidden = title === undefined || !place || Boolean(down)
    point(tip.hidden ? null : places)
    const now = JSON.stringify([title, values, picture])
    if (!tip.hidden && said !== now) {
      said = now
      const table = part("dl", "")
      for (const [name, value] of values) { table.append(part("dt", "", name), part("dd", "", value)) }
      const words = part("div", "map-tip-words")
      words.append(part("b", "", title), table)
      if (more > 0) { words.append(part("span", "muted", `${more} more column${more === 1 ? "" : "s"}`)) }
      tip.replaceChildren(words)
      if (picture) {
        const image = part("img", "")
        image.src = picture
        image.alt = ""
        tip.prepend(image)
      }
    }
    put()
    if (pending) { ask() }
  }

  const near = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) < GAP
  const ours = (event) => event.composedPath().some((one) => one.tagName === "BUTTON")
  const listeners = {
    pointermove: (event) => {
      place = inside(event)
      if (!place) { return hide() }
      if (down && Math.hypot(event.clientX - down.x, event.clientY - down.y) > STILL) { down.moved = true; hide() }
      put()
      if (!event.buttons && event.pointerType !== "touch") { ask() }
    },
    pointerdown: (event) => {
      if (near(event, tapped)) { clearTimeout(tapped.waiting) }
      hide()
      takeTool()  // on a busy page the next drag comes before what the last one left to be done
      mayRest()
      const {clientX: x, clientY: y, pointerId: pointer} = event
      // A second finger neither begins a drag nor ends one.
      if (event.isPrimary) { down = event.button || ours(event) ? null : {x, y, pointer, tool: inHand(), target: event.composedPath()[0]} }
      model.send_msg({action: "use"})
    },
    pointerup: (event) => {
      place = inside(event)
      const tool = holds(event) && !down.moved && down.tool
      release(event)
      if (tool && place) {
        const again = event.timeStamp - tapped.time < 2 * TWICE && near(event, tapped)
        const {x, y} = place, mode = modeHeld(event)
        const waiting = again ? 0 : setTimeout(() => model.send_msg({action: "tap", x, y, mode, tool}), TWICE)
        tapped = {clientX: event.clientX, clientY: event.clientY, time: event.timeStamp, waiting}
      }
    },
    pointerleave: () => { place = null; hide() },
    pointercancel: (event) => { place = null; release(event); hide() },
    wheel: hide,
    // By keyboard the middle of the map is the pointer: arrows move what lies there, Enter pins it.
    focusin: () => { cross.hidden = false; model.send_msg({action: "use"}) },
    focusout: () => { cross.hidden = true },
    keydown: (event) => {
      if (event.key !== "Enter" || ours(event)) { return }
      model.send_msg({action: "tap", x: root.clientWidth / 2, y: root.clientHeight / 2, mode: modeHeld(event), tool: inHand()})
    },
  }
  for (const [name, listener] of Object.entries(listeners)) {
    map.addEventListener(name, listener, {passive: true, capture: true})
  }
  document.addEventListener("pointerup", release)
  document.addEventListener("map-tool", takeTool)
  takeTool()
  // A drag that is given up leaves the selection as it is, so nobody else may hear of the key. To Bokeh the
  // pointer is lost: it ends the drag and takes away what it drew of it.
  const giveUp = (event) => {
    const {x: clientX, y: clientY, pointer: pointerId, target} = down
    event.stopImmediatePropagation()
    model.send_msg({action: "give up"})
    target.dispatchEvent(new PointerEvent("pointercancel", {clientX, clientY, pointerId, bubbles: true, composed: true}))
  }
  const onKey = (event) => {
    if (event.key === "Escape" && down) { giveUp(event) }
    if (!STILL_KEYS.includes(event.key)) { hide() }
  }
  window.addEventListener("keydown", onKey, true)
  const asking = setInterval(() => { if (!tip.hidden && !document.hidden) { ask() } }, AGAIN)
  for (const name of Object.keys(draw)) { model.on(name, draw[name]); draw[name]() }
  model.on("tip", show)
  model.on("remove", () => {
    clearInterval(asking)
    window.removeEventListener("keydown", onKey, true)
    document.removeEventListener("pointerup", release)
    document.removeEventListener("map-tool", takeTool)
    document.removeEventListener("map-item", onItem)
    for (const [name, listener] of Object.entries(listeners)) { map.removeEventListener(name, listener, {capture: true}) }
  })
  return all
}

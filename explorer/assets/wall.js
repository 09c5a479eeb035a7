// The wall: a picture of each run in its cell of a grid, and the choices above. All texts are set as text.
const LEAST = 112, WIDEST = 1.75, LABEL = 39, GAP = 8, RIM = 3, HEAD = 84, TOP = 24
// A touch that goes no farther is a click; a lasso takes a point at every so many pixels.
const STILL = 4, STEP = 2
const GOALS = {replace: "selects", union: "adds", subtract: "takes out", intersect: "keeps the overlap"}

export function render({model}) {
  const root = part("div", "wall"), bar = part("div", "wall-bar"), choices = part("div", "wall-choices")
  const foot = part("div", "wall-foot"), hint = part("span", "wall-hint"), said = part("span", "wall-said")
  const legend = part("span", "wall-legend"), zone = part("div", "wall-zone"), grid = part("table", "wall-grid")
  said.setAttribute("role", "status")
  zone.setAttribute("role", "region")
  zone.setAttribute("aria-label", "Runs")
  foot.append(hint, legend, said)
  bar.append(choices, foot)
  zone.append(grid)
  root.append(bar, zone)
  const tiles = new Map(), told = new Map()
  const show = (run) => model.send_msg({action: "show", run})

  // Choices are made anew only when they are others: an open list would close.
  const choice = ({name, label, value, options, about}) => {
    const field = part("div", "wall-choice"), caption = part("label", "", label), list = part("select", "")
    field.title = about
    list.id = caption.htmlFor = `wall-${name}`
    list.dataset.key = name
    for (const [one, words] of options) {
      const option = part("option", "", words)
      option.value = one
      list.append(option)
    }
    list.value = value
    list.addEventListener("change", () => model.send_msg({action: "choose", name, value: list.value}))
    field.append(caption, list)
    return field
  }
  const changed = (key, value) => {
    const now = JSON.stringify(value)
    if (told.get(key) === now) { return false }
    told.set(key, now)
    return true
  }

  const scale = ({about, low, high, colours, note}) => {
    legend.hidden = !note
    if (!note) { return }
    const ramp = part("span", "wall-ramp")
    ramp.style.background = `linear-gradient(to right, ${colours.join(", ")})`
    legend.title = about
    legend.replaceChildren(...(low ? [part("b", "", low), ramp, part("b", "", high)] : []), part("span", "", note))
  }

  // The lasso: one at a time, in shares of the picture from its upper left.
  let drag = null, answered = false
  const end = () => {
    drag?.line.remove()
    drag = null
    queueMicrotask(draw)
  }
  const follow = (event) => {
    const {left, top, width, height} = drag.canvas.getBoundingClientRect()
    const x = event.clientX - left, y = event.clientY - top, [last] = drag.path.slice(-1)
    if (last && Math.hypot(x - last[0], y - last[1]) < STEP) { return }
    drag.path.push([x, y])
    drag.points.push([x / width, y / height])
    drag.far ||= Math.hypot(x - drag.path[0][0], y - drag.path[0][1]) >= STILL
    drag.outline.setAttribute("points", drag.path.map((point) => point.join(",")).join(" "))
  }
  const begin = (event, run, frame, canvas) => {
    const line = document.createElementNS(SVG, "svg"), outline = document.createElementNS(SVG, "polygon")
    line.setAttribute("class", "wall-lasso")
    line.append(outline)
    frame.append(line)
    drag = {run, canvas, line, outline, pointer: event.pointerId, mode: modeHeld(event), path: [], points: [], far: false}
    follow(event)
  }
  const finish = () => {
    const {run, far, mode, points} = drag
    end()
    if (!far) { show(run) } else if (points.length > 2) { model.send_msg({action: "lasso", run, points, mode}) }
  }

  const make = (run) => {
    const tile = part("button", "wall-tile"), frame = part("span", "wall-frame"), canvas = part("canvas", "")
    tile.type = "button"
    tile.dataset.run = run
    canvas.width = canvas.height = 0
    frame.append(canvas, part("span", "wall-words"))
    const head = part("span", "wall-head"), track = part("span", "track")
    head.append(part("b", "wall-name"), part("span", "wall-value"))
    track.append(part("span", "fill"))
    tile.append(frame, head, part("span", "wall-line"), track)
    tile.addEventListener("pointerdown", (event) => {
      answered = frame.contains(event.target)
      if (event.button || drag || !answered) { return }
      tile.setPointerCapture(event.pointerId)
      begin(event, run, frame, canvas)
    })
    const mine = (act) => (event) => { if (drag?.run === run && drag.pointer === event.pointerId) { act(event) } }
    tile.addEventListener("pointermove", mine((event) => {
      const between = event.getCoalescedEvents?.() ?? []
      for (const one of between.length ? between : [event]) { follow(one) }
    }))
    tile.addEventListener("pointerup", mine(finish))
    tile.addEventListener("pointercancel", mine(end))
    // A press on the picture has been answered by then, one on the words below it and a key have not.
    tile.addEventListener("click", (event) => { if (!event.detail || !answered) { show(run) } })
    sight.observe(tile)
    return tile
  }
  const fill = (tile, entry) => {
    tile.className = `wall-tile ${entry.status}${entry.first ? " first" : ""}`
    tile.title = `${entry.about}\nDrag selects, click enlarges`
    tile.setAttribute("aria-label", [entry.called, entry.line, entry.value, "Enter enlarges"].filter(Boolean).join(", "))
    tile.style.setProperty("--ring", entry.ring || "var(--line)")
    tile.querySelector(".wall-name").textContent = entry.name
    tile.querySelector(".wall-value").textContent = entry.value
    tile.querySelector(".wall-line").textContent = entry.line
    tile.querySelector(".wall-words").textContent = entry.words
    tile.querySelector(".track").hidden = entry.fraction < 0
    tile.querySelector(".fill").style.width = `${100 * Math.max(0, entry.fraction)}%`
  }
  const tileOf = (run) => {
    if (!tiles.has(run)) { tiles.set(run, make(run)) }
    return tiles.get(run)
  }

  // The grid is made anew when other runs hang in it; tiles, and the focus among them, are kept.
  const head = (scope, name, value) => {
    const cell = part("th", "")
    cell.scope = scope
    cell.append(part("span", "wall-axis", name), " ", part("b", "", value))
    return cell
  }
  const hang = ({rows, columns, cells}) => {
    const focused = root.getRootNode().activeElement, lines = []
    const headed = Boolean(rows.name), top = part("tr", "")
    if (columns.name) {
      if (headed) { top.append(part("td", "")) }
      top.append(...columns.values.map((value) => head("col", columns.name, value)))
    }
    cells.forEach((row, at) => {
      const line = part("tr", "")
      if (headed) { line.append(head("row", rows.name, rows.values[at])) }
      for (const runs of row) {
        const cell = part("td", "wall-cell"), flow = part("div", "wall-flow")
        flow.append(...(runs.length ? runs.map(tileOf) : [part("span", "wall-empty", "no run")]))
        cell.append(flow)
        line.append(cell)
      }
      lines.push(line)
    })
    grid.replaceChildren(...(columns.name ? [top] : []), ...lines)
    const here = new Set(cells.flat(2))
    for (const [run, tile] of tiles) {
      if (!here.has(run)) {
        sight.unobserve(tile)
        seen.delete(run)
        tiles.delete(run)
        told.delete(run)
      }
    }
    if (tiles.has(focused?.dataset?.run)) { focused.focus() }
  }

  // As large as all of it fits; what would become too small scrolls.
  const fit = () => {
    const {rows, columns, cells} = model.state
    const width = zone.clientWidth, height = zone.clientHeight
    if (drag || !cells || !width || !height) { return }
    const most = Math.max(1, ...cells.flat().map((runs) => runs.length))
    const room = width - (rows.name ? HEAD : 0) - 2, rise = height - (columns.name ? TOP : 0) - 2
    let best = {size: -Infinity}
    for (let across = 1; across <= most; across++) {
      const down = Math.ceil(most / across)
      const free = Math.floor(room / (cells[0].length * across)) - GAP - 2 * RIM
      const tall = Math.floor(rise / (cells.length * down)) - GAP - 2 * RIM - LABEL
      const least = Math.min(free, tall)
      // Of tiles with no room at all the lesser side tells.
      const size = least > 0 ? Math.min(free, WIDEST * tall) * least : least
      if (size > best.size) { best = {size, across, free, tall} }
    }
    const wide = Math.max(LEAST, Math.min(best.free, Math.floor(WIDEST * best.tall)))
    const high = Math.max(Math.round(LEAST / WIDEST), Math.min(best.tall, wide))
    root.style.setProperty("--wide", `${wide}px`)
    root.style.setProperty("--high", `${high}px`)
    root.style.setProperty("--flow", `${best.across * (wide + 2 * RIM + GAP)}px`)
    if (wide !== size.width || high !== size.height) {
      size = {width: wide, height: high}
      look()
    }
  }

  // What is in sight and how large: the server draws nothing else.
  let size = {width: 0, height: 0}, fresh = true, looking = false
  const seen = new Set()
  const look = () => {
    if (looking || !size.width) { return }
    looking = true
    queueMicrotask(() => {
      looking = false
      model.send_msg({action: "look", ...size, runs: [...seen], fresh})
      fresh = false
    })
  }
  const sight = new IntersectionObserver((entries) => {
    for (const {target, isIntersecting} of entries) {
      if (isIntersecting) { seen.add(target.dataset.run) } else { seen.delete(target.dataset.run) }
    }
    look()
  }, {root: zone, rootMargin: "120px"})
  const resized = new ResizeObserver(fit)
  resized.observe(zone)

  const paint = () => {
    const {number, pictures} = model.batch
    if (!number) { return }
    for (const {run, width, height, pixels} of pictures) {
      const canvas = tiles.get(run)?.querySelector("canvas")
      if (!canvas) { continue }
      if (canvas.width !== width || canvas.height !== height) { Object.assign(canvas, {width, height}) }
      canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0)
      canvas.dataset.frame = number
    }
    // A hidden tab gets no animation frames: it answers by a timer.
    const painted = () => model.send_msg({action: "painted", number})
    if (document.hidden) { setTimeout(painted, 500) } else { requestAnimationFrame(() => setTimeout(painted, 0)) }
  }
  const draw = () => {
    const state = model.state
    if (!state.cells) { return }
    if (changed("choices", state.choices)) { replaceKeepingFocus(choices, state.choices.map(choice)) }
    if (changed("legend", state.legend)) { scale(state.legend) }
    said.textContent = state.said
    // A tile that is hung elsewhere loses the pointer: what is new hangs when the lasso has been drawn.
    if (!drag && changed("grid", [state.rows, state.columns, state.cells])) { hang(state) }
    for (const [run, entry] of Object.entries(state.tiles)) {
      if (changed(run, entry)) { fill(tileOf(run), entry) }
    }
    fit()
  }
  const advise = () => {
    hint.textContent = `Drag ${GOALS[model.mode]} in all maps · Shift adds · Alt subtracts · Esc clears · click enlarges`
  }

  // Before anybody else hears of the key: a lasso that is given up leaves the selection as it is.
  const onKey = (event) => {
    if (event.key === "Escape" && drag) {
      event.stopImmediatePropagation()
      end()
    }
  }
  window.addEventListener("keydown", onKey, true)
  model.on("state", draw)
  model.on("batch", paint)
  model.on("mode", advise)
  model.on("remove", () => {
    window.removeEventListener("keydown", onKey, true)
    sight.disconnect()
    resized.disconnect()
  })
  draw()
  advise()
  return root
}

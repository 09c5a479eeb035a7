// A field that searches the items, and what it found. Texts come from the data: set as text, never as markup.

export function render({model}) {
  const box = part("div", "search-box")
  box.setAttribute("role", "search")
  const input = part("input", "search-input")
  input.type = "text"
  input.maxLength = 200
  input.placeholder = "Search items"
  input.autocomplete = "off"
  input.spellcheck = false
  input.title = "Finds items by their text; Enter searches, and a match is shown on the map (/)"
  input.setAttribute("role", "combobox")
  input.setAttribute("aria-label", "Search items")
  input.setAttribute("aria-controls", "search-list")
  const key = part("kbd", "", "/")
  const panel = part("div", "search-panel")
  panel.hidden = true
  box.append(input, key, panel)

  let left = new Set()      // columns not searched
  let active = -1           // the hit that Enter picks
  let asked = ""            // the text whose result is shown or awaited
  const hits = () => [...panel.querySelectorAll(".hit")]

  // What is typed is searched when the key shown is pressed.
  const tell = () => {
    const text = input.value.trim(), typed = text !== "" && text !== asked
    key.textContent = typed ? "Enter" : "/"
    key.classList.toggle("typed", typed)
  }
  const open = (shown) => {
    panel.hidden = !shown
    input.setAttribute("aria-expanded", shown)
  }
  const mark = (at) => {
    active = at
    hits().forEach((hit, place) => {
      hit.setAttribute("aria-selected", place === at)
      if (place === at) { hit.scrollIntoView({block: "nearest"}); input.setAttribute("aria-activedescendant", hit.id) }
    })
    if (at < 0) { input.removeAttribute("aria-activedescendant") }
  }
  const pick = (row) => { open(false); input.blur(); model.send_msg({action: "pick", row}) }
  const ask = () => {
    asked = input.value.trim()
    tell()
    if (!asked) { return open(false) }
    const columns = model.columns.filter((name) => !left.has(name))
    model.send_msg({action: "search", text: asked, columns})
  }

  const hitLine = (hit, at) => {
    const line = part("div", "hit")
    line.id = `search-hit-${at}`
    line.dataset.row = hit.row
    line.setAttribute("role", "option")
    const text = part("span", "hit-text")
    text.append(hit.before, part("mark", "", hit.match), hit.after)
    line.append(text, part("span", "hit-where", `${hit.column} · row ${number.format(hit.row)}`))
    line.addEventListener("mousedown", (event) => event.preventDefault())
    line.addEventListener("click", () => pick(hit.row))
    return line
  }

  const columns = () => {
    const row = part("div", "search-columns")
    row.setAttribute("role", "group")
    row.setAttribute("aria-label", "Columns that are searched")
    row.append(part("span", "hint", "in"))
    for (const name of model.columns) {
      const chip = part("button", "chip", name)
      chip.type = "button"
      chip.title = name
      chip.setAttribute("aria-pressed", !left.has(name))
      chip.addEventListener("mousedown", (event) => event.preventDefault())
      chip.addEventListener("click", () => {
        if (left.has(name)) { left.delete(name) } else { left.add(name) }
        chip.setAttribute("aria-pressed", !left.has(name))
        ask()
      })
      row.append(chip)
    }
    return row
  }

  const head = (found) => {
    const line = part("div", "search-head")
    const total = found.total
    const said = total === 0 ? `No item holds “${found.text}”.`
      : total === 1 ? "1 match" : `${number.format(total)} matches${total > found.hits.length ? `, the first ${found.hits.length} listed` : ""}`
    line.append(part("span", "", said))
    if (total > 0) {
      const all = part("button", "select-all", total === 1 ? "Select it" : `Select all ${number.format(total)} matches`)
      all.type = "button"
      all.addEventListener("click", () => { open(false); input.blur(); model.send_msg({action: "select"}) })
      line.append(all)
    }
    return line
  }

  const draw = () => {
    const found = model.result
    const scroll = panel.querySelector(".search-columns")?.scrollTop ?? 0
    panel.replaceChildren()
    if (model.busy) {
      const line = part("div", "search-head", "Searching …")
      const cancel = part("button", "cancel", "Cancel")
      cancel.type = "button"
      cancel.title = "Ends the search"
      cancel.addEventListener("click", () => model.send_msg({action: "cancel"}))
      line.append(cancel)
      panel.append(line)
    } else if (model.fault) {
      panel.append(part("div", "search-head", model.fault))
    } else if (found.text !== undefined) {
      const list = part("div", "search-list")
      list.id = "search-list"
      list.setAttribute("role", "listbox")
      list.setAttribute("aria-label", "Items found")
      list.append(...found.hits.map(hitLine))
      panel.append(head(found), list)
    }
    if (model.columns.length) {
      const row = columns()
      panel.append(row)
      row.scrollTop = scroll
    }
    mark(-1)
  }

  input.addEventListener("keydown", (event) => {
    const count = panel.hidden ? 0 : hits().length
    if (event.key === "Escape") {
      // The map's own Escape clears the selection: not from here.
      event.stopPropagation()
      if (panel.hidden) { input.blur() } else { open(false) }
    } else if (event.key === "Enter") {
      event.preventDefault()
      if (active >= 0 && !panel.hidden) { pick(Number(hits()[active].dataset.row)) } else { ask() }
    } else if (["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault()
      if (!panel.hidden && count) {
        const step = event.key === "ArrowDown" ? 1 : -1
        mark(Math.max(-1, Math.min(count - 1, active + step)))
      } else if (panel.hidden && asked) { open(true) }
    }
  })
  input.addEventListener("input", () => { mark(-1); tell(); if (input.value.trim() !== asked) { open(false) } })
  input.addEventListener("focus", () => {
    if (asked && input.value.trim() === asked) { mark(-1); open(true) }
  })

  const onSlash = (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || takesText(focused())) { return }
    event.preventDefault()
    input.focus()
    input.select()
  }
  const onPress = (event) => { if (!event.composedPath().includes(box)) { open(false) } }
  const onEscape = (event) => {
    // Closed last: the field that gets the focus opens it.
    if (event.key === "Escape" && !panel.hidden) { event.stopPropagation(); input.focus(); open(false) }
  }
  panel.addEventListener("keydown", onEscape)
  document.addEventListener("keydown", onSlash)
  document.addEventListener("pointerdown", onPress, true)
  model.on("remove", () => {
    document.removeEventListener("keydown", onSlash)
    document.removeEventListener("pointerdown", onPress, true)
  })

  const onData = () => {
    left = new Set()
    asked = ""
    input.value = ""
    input.disabled = !model.columns.length
    input.placeholder = model.columns.length ? "Search items"
      : model.dataset ? "No text to search in this data" : "Open data to search its items"
    open(false)
    tell()
    draw()
  }
  model.on(["dataset", "columns"], onData)
  model.on(["result", "busy", "fault"], () => {
    draw()
    if (asked) { open(model.busy || model.fault !== "" || model.result.text !== undefined) }
  })
  onData()
  return box
}

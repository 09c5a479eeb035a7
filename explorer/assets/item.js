// One item: its picture or sound, its columns, its neighbours. Texts come from the data: set as text, never as markup.
const MARKS = {lost: "◇", intruder: "✕"}
const MOMENT_MS = 300

function button(className, text, act, title) {
  const element = part("button", className, text)
  element.type = "button"
  if (title) { element.title = title }
  element.addEventListener("click", act)
  return element
}

export function render({model}) {
  const card = part("div", "item-card")
  const send = (action, more) => model.send_msg({action, ...more})

  // The size of "more like this" outlives the item.
  const size = part("input", "like-size")
  size.type = "number"
  size.min = 1
  size.max = 100000
  size.value = model.size
  size.setAttribute("aria-label", "How many similar items")
  const like = (action) => send(action, {size: Number(size.value) || 50})

  const media = (entry) => {
    const box = part("figure", "item-media")
    const shown = part(entry.kind === "audio" ? "audio" : "img", entry.pixelated ? "pixelated" : "")
    if (entry.kind === "audio") {
      shown.controls = true
      shown.setAttribute("aria-label", entry.name)
    } else { shown.alt = entry.name }
    shown.src = entry.source
    box.append(shown)
    if (entry.caption) { box.append(part("figcaption", "", entry.caption)) }
    return box
  }

  const value = (field) => {
    const cell = part("dd", field.kind)
    if (field.kind === "link") {
      const link = part("a", "", field.text)
      link.href = field.source
      link.rel = "noopener noreferrer"
      link.target = "_blank"
      cell.append(link)
    } else {
      cell.append(part("span", "written", field.text))
    }
    if (field.length) {
      const more = button("more", `Show all ${number.format(field.length)} characters`,
        () => { more.disabled = true; send("whole", {column: field.name}) }, "Puts the whole text in place of its beginning")
      cell.append(more)
    }
    if (field.note) { cell.append(part("span", "note", field.note)) }
    return cell
  }

  const fields = (item) => {
    const list = part("dl", "item-fields")
    list.setAttribute("aria-label", "Columns of the item")
    for (const field of item.fields) {
      const name = part("dt", "", field.name)
      name.title = field.name
      const row = part("div", "item-field")
      row.dataset.column = field.name
      row.append(name, value(field))
      list.append(row)
    }
    return list
  }

  const neighbour = (entry) => {
    const name = entry.name ?? `row ${number.format(entry.row)}`
    const other = entry.mark === "lost" ? "on the map" : "in the data"
    const told = entry.mark === "kept" ? "" : ` · ${entry.mark}: nearest number ${entry.rank} ${other}`
    const line = button(`near-row ${entry.mark}`, undefined, () => send("jump", {row: entry.row}),
      `${name} · row ${number.format(entry.row)} · distance ${entry.distance}${told}`)
    line.dataset.row = entry.row
    if (entry.picture) {
      const image = part("img", "")
      image.alt = ""
      image.src = entry.picture
      line.append(image)
    } else if (entry.colour) {
      const swatch = part("span", "swatch")
      swatch.style.background = entry.colour
      line.append(swatch)
    }
    line.append(part("span", "name", name))
    if (entry.mark !== "kept") { line.append(part("span", "rank", entry.rank), part("span", "mark", MARKS[entry.mark])) }
    line.setAttribute("aria-label", `Jump to ${line.title}`)
    return line
  }

  const list = (title, entries, empty) => {
    const column = part("div", "near-list")
    column.setAttribute("role", "group")
    column.setAttribute("aria-label", title)
    column.append(part("div", "near-head", title))
    for (const entry of entries) { column.append(neighbour(entry)) }
    if (!entries.length) { column.append(part("div", "note", empty)) }
    return column
  }

  const near = (found) => {
    const box = part("section", "item-near")
    box.append(part("h3", "", "Neighbours"))
    if (!found.data) {
      box.append(part("p", "note", found.sentence || "Finding its neighbours …"))
      return box
    }
    box.append(part("p", "sentence", found.sentence))
    for (const [mark, text] of [["lost", found.lost], ["intruder", found.intruders]]) {
      if (!text) { continue }
      const line = part("p", `told ${mark}`)
      line.append(part("span", "mark", MARKS[mark]), text)
      box.append(line)
    }
    if (found.lost || found.intruders) {
      box.append(part("p", "note", "The number beside a mark is its place among the nearest of the other list."))
    }
    const lists = part("div", "near-lists")
    lists.append(list("In the data", found.data, ""), list("On the map", found.map, found.no_map))
    box.append(lists)
    return box
  }

  // Told of only if it lasts: most of the time it takes a blink.
  const finding = part("p", "note finding", "Finding similar items … ")
  finding.setAttribute("role", "status")
  finding.append(button("cancel", "Cancel", () => send("cancel"), "Leaves the selection as it is"))
  let slow = null
  const drawBusy = () => {
    clearTimeout(slow)
    finding.hidden = true
    if (model.busy) { slow = setTimeout(() => { finding.hidden = false }, MOMENT_MS) }
  }

  const actions = (item) => {
    const row = part("div", "item-actions")
    if (item.row !== undefined) {
      row.append(button("like", "More like this", () => like("like"),
        "Select the items whose vectors are nearest to this one's"))
    }
    if (model.selected) {
      row.append(button("like", item.row === undefined ? "More like the selection" : "Like the selection",
        () => like("centre"), "Select the items nearest to the mean vector of what is selected"))
    }
    row.hidden = !row.children.length
    const of = part("label", "like-of")
    of.title = "How many items are selected, the nearest in the data first"
    of.append(size, part("span", "", "items"))
    row.append(of)
    return row
  }

  const head = (item) => {
    const line = part("div", "item-head")
    const text = part("div", "item-title")
    text.append(part("b", "", item.title), part("span", "muted", item.place))
    line.append(text, button("unpin", "×", () => send("unpin"), "Unpin"))
    line.lastChild.setAttribute("aria-label", "Unpin the item")
    return line
  }

  const draw = () => {
    const item = model.item
    if (item.row === undefined) {
      const empty = part("div", "item-empty")
      const [title, advice] = model.none
      empty.append(part("b", "", title), part("br", ""), advice)
      card.replaceChildren(empty, actions(item), finding)
      return
    }
    const section = part("h3", "", `Columns`)
    card.replaceChildren(head(item), ...item.media.map(media), actions(item), finding, section)
    card.append(item.fields.length ? fields(item) : part("p", "note", item.no_fields), near(model.near))
  }

  const drawNear = () => {
    const old = card.querySelector(".item-near")
    if (old) { old.replaceWith(near(model.near)) }
  }

  const drawWhole = () => {
    for (const row of card.querySelectorAll(".item-field")) {
      if (row.dataset.column !== model.whole.column) { continue }
      if (model.whole.text === undefined) { row.querySelector(".more").disabled = false; continue }
      // A word of a megabyte keeps a browser busy for minutes unless it may be broken anywhere at all.
      const unbroken = /\S{2000}/.test(model.whole.text)
      const text = part("span", unbroken ? "written whole unbroken" : "written whole", model.whole.text)
      text.tabIndex = 0
      row.querySelector(".written").replaceWith(text)
      row.querySelector(".more")?.remove()
    }
  }

  const drawActions = () => { card.querySelector(".item-actions")?.replaceWith(actions(model.item)) }

  model.on("item", draw)
  model.on("none", draw)
  model.on("near", drawNear)
  model.on("whole", drawWhole)
  model.on("selected", drawActions)
  model.on("busy", drawBusy)
  draw()
  drawBusy()
  return card
}

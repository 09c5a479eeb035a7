// Cards of runs. Texts come from the data and from files: they are set as text, never as markup.
const ACTIONS = [
  ["star", "Star, which keeps it first in the list", "M8 2.200l1.800 3.700 4 .6-2.900 2.800.7 4L8 11.400l-3.600 1.900.7-4L2.200 6.500l4-.6Z"],
  ["rename", "Rename", RENAME],
  ["copy", "Copy its parameters into New run", "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3"],
  ["fork", "Fork: start a new run from its map", "M4.500 5.500v5M4.500 8.500c0-1.500 1-2 3-2h1c2 0 3-.5 3-1.500M4.500 5.500a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3ZM4.500 13.500a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3ZM11.500 5a1.300 1.300 0 1 0 0-2.500 1.300 1.300 0 0 0 0 2.500Z"],
  ["up", "Move up in the queue", "M8 13V3M4 7l4-4 4 4"],
  ["cancel", "Take out of the queue", "M4 4l8 8M12 4l-8 8"],
  ["delete", "Delete", DELETE],
]

export function render({model}) {
  const root = part("div", "run-list")
  const list = part("div", "card-list")
  list.setAttribute("role", "list")
  list.setAttribute("aria-label", "Runs")
  const foot = part("div", "run-foot")
  foot.setAttribute("role", "status")
  const undo = part("button", "cancel", "Undo")
  undo.type = "button"
  undo.title = "Brings the deleted run back"
  undo.addEventListener("click", () => model.send_msg({action: "undo"}))
  root.append(list, foot)
  const entries = new Map()

  const rename = (card, run) => {
    const entry = entries.get(run)
    const close = (byKey) => {
      field.remove()
      if (byKey) { card.querySelector('[data-act="rename"]').focus() }
    }
    const field = nameField("saved-name run-name", `New name of ${entry.title}`, entry.name,
      (name) => model.send_msg({action: "rename", run, name}), close)
    field.placeholder = entry.label
    card.append(field)
    field.focus()
    field.select()
  }

  const act = (card, run, action) => {
    if (action === "rename") { rename(card, run); return }
    model.send_msg({action, run})
    // What is copied into the form is above, perhaps out of sight.
    if (action === "copy" || action === "fork") { scrollUp(root) }
  }

  const make = ({run}) => {
    const card = part("div", "run-card")
    card.dataset.run = run
    card.setAttribute("role", "listitem")
    const show = part("button", "run-show")
    show.type = "button"
    const picture = part("span", "run-picture")
    const image = part("img", "")
    image.alt = ""
    picture.append(image)
    const text = part("span", "run-text")
    const track = part("span", "track")
    track.append(part("span", "fill"))
    text.append(part("span", "run-title"), part("span", "run-label"), part("span", "run-line"), track)
    show.append(picture, text)
    show.addEventListener("click", () => model.send_msg({action: "show", run}))
    const beside = part("button", "run-beside")
    beside.type = "button"
    beside.addEventListener("click", () => model.send_msg({action: "beside", run}))
    const acts = part("div", "run-acts")
    for (const [action, , path] of ACTIONS) {
      const small = iconButton("saved-act", "", path, () => act(card, run, action))
      small.dataset.act = action
      acts.append(small)
    }
    card.append(show, beside, acts)
    return card
  }

  const fill = (card, entry) => {
    card.className = `run-card ${entry.place} ${entry.status}`
    const show = card.querySelector(".run-show")
    show.setAttribute("aria-label", `Show run ${entry.title}`)
    show.setAttribute("aria-current", entry.place === "first")
    show.title = `${entry.title}\n${entry.label}\n${entry.run}\n${entry.line}\nClick shows it on the map`
    card.querySelector(".run-title").textContent = `${entry.starred ? "★ " : ""}${entry.heading}`
    const label = card.querySelector(".run-label")
    label.textContent = entry.under
    label.hidden = !entry.under
    card.querySelector(".run-line").textContent = entry.line
    const track = card.querySelector(".track")
    track.hidden = entry.fraction < 0
    card.querySelector(".fill").style.width = `${100 * Math.max(0, entry.fraction)}%`
    const image = card.querySelector("img")
    const picture = pictures.get(entry.run)
    if (picture && image.getAttribute("src") !== picture) { image.src = picture }
    image.hidden = !picture
    const beside = card.querySelector(".run-beside")
    beside.hidden = entry.place === "first"
    beside.textContent = entry.place === "beside" ? "×" : "⇄"
    beside.title = entry.place === "beside" ? "Take away from beside the map" : "Show beside the map, aligned to it"
    beside.setAttribute("aria-label", `${beside.title}: ${entry.title}`)
    fillActs(card, entry)
  }

  const fillActs = (card, entry) => {
    for (const [action, label] of ACTIONS) {
      const small = card.querySelector(`[data-act="${action}"]`)
      small.title = action === "star" && entry.starred ? "Take the star away" : label
      small.setAttribute("aria-label", `${small.title}: ${entry.title}`)
      small.hidden = action === "up" && entry.before < 1 || action === "cancel" && entry.before < 0
      small.classList.toggle("on", action === "star" && entry.starred)
    }
  }

  // Cards are kept, so that focus and scrolling stay while a run works, and filled anew when they tell something
  // else: of thirty runs one is at work, and the layout needs the processors.
  const cards = new Map(), told = new Map(), pictures = new Map()
  let lost = false
  const draw = () => {
    const focused = root.getRootNode().activeElement
    const inside = list.contains(focused)
    for (const entry of model.cards) { entries.set(entry.run, entry) }
    // What is known of a run goes with its card; a picture may come before it.
    for (const run of cards.keys()) {
      if (model.cards.some((entry) => entry.run === run)) { continue }
      for (const known of [entries, cards, told, pictures]) { known.delete(run) }
    }
    const kept = model.cards.map((entry) => {
      if (!cards.has(entry.run)) { cards.set(entry.run, make(entry)) }
      const now = JSON.stringify(entry)
      if (told.get(entry.run) !== now) {
        fill(cards.get(entry.run), entry)
        told.set(entry.run, now)
      }
      return cards.get(entry.run)
    })
    const same = kept.length === list.children.length && kept.every((card, at) => card === list.children[at])
    if (same && kept.length) { return }
    list.replaceChildren(...kept)
    if (!kept.length) { list.replaceChildren(part("div", "empty", "No run yet. Choose parameters and press Run.")) }
    // A card in another place keeps the focus; of one that is gone, Undo has it.
    if (inside && list.contains(focused)) { focused.focus() }
    lost = inside && !list.contains(focused)
    passFocus()
  }
  const passFocus = () => {
    if (lost && model.deleted) { undo.focus(); lost = false }
  }
  const tell = () => {
    foot.replaceChildren(...(model.deleted ? [part("span", "", `Deleted “${model.deleted}”. `), undo] : []))
    passFocus()
  }
  model.on("cards", draw)
  model.on("msg:custom", ({pictures: made}) => {
    for (const [run, picture] of Object.entries(made)) {
      pictures.set(run, picture)
      told.delete(run)
    }
    draw()
  })
  model.on("deleted", tell)
  draw()
  tell()
  model.send_msg({action: "ready"})
  return root
}

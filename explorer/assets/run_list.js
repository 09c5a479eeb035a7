// Cards of runs. Texts come from the data and from files: they are set as text, never as markup.
export function render({model}) {
  const list = part("div", "card-list")
  list.setAttribute("role", "list")
  list.setAttribute("aria-label", "Runs")

  const make = (entry) => {
    const card = part("div", "run-card")
    card.dataset.run = entry.run
    card.setAttribute("role", "listitem")
    const show = part("button", "run-show")
    show.type = "button"
    show.setAttribute("aria-label", `Show run ${entry.title}`)
    const picture = part("span", "run-picture")
    const image = part("img", "")
    image.alt = ""
    picture.append(image)
    const text = part("span", "run-text")
    const track = part("span", "track")
    track.append(part("span", "fill"))
    text.append(part("span", "run-title"), part("span", "run-line"), track)
    show.append(picture, text)
    show.addEventListener("click", () => model.send_msg({action: "show", run: entry.run}))
    const beside = part("button", "run-beside")
    beside.type = "button"
    beside.addEventListener("click", () => model.send_msg({action: "beside", run: entry.run}))
    card.append(show, beside)
    return card
  }

  const fill = (card, entry) => {
    card.className = `run-card ${entry.place} ${entry.status}`
    card.querySelector(".run-title").textContent = entry.title
    card.querySelector(".run-line").textContent = entry.line
    card.querySelector(".run-show").title = `${entry.run}\n${entry.line}\nClick shows it on the map`
    card.querySelector(".run-show").setAttribute("aria-current", entry.place === "first")
    const track = card.querySelector(".track")
    track.hidden = entry.fraction < 0
    card.querySelector(".fill").style.width = `${100 * Math.max(0, entry.fraction)}%`
    const image = card.querySelector("img")
    const picture = model.pictures[entry.run]
    if (picture && image.getAttribute("src") !== picture) { image.src = picture }
    image.hidden = !picture
    const beside = card.querySelector(".run-beside")
    beside.hidden = entry.place === "first"
    beside.textContent = entry.place === "beside" ? "×" : "⇄"
    beside.title = entry.place === "beside" ? "Take away from beside the map" : "Show beside the map, aligned to it"
    beside.setAttribute("aria-label", `${beside.title}: ${entry.title}`)
  }

  // Cards are kept and refilled, so that focus and scrolling stay while a run works.
  const cards = new Map()
  const draw = () => {
    const kept = model.cards.map((entry) => {
      if (!cards.has(entry.run)) { cards.set(entry.run, make(entry)) }
      fill(cards.get(entry.run), entry)
      return cards.get(entry.run)
    })
    const same = kept.length === list.children.length && kept.every((card, at) => card === list.children[at])
    if (!same) { list.replaceChildren(...kept) }
    if (!kept.length) { list.replaceChildren(part("div", "empty", "No run yet. Choose parameters and press Run.")) }
  }
  model.on(["cards", "pictures"], draw)
  draw()
  return list
}

// Saved selections, one a line: click restores, small buttons combine, rename and delete. Names are set as text.
const ACTIONS = [
  ["union", "Add to the selection", "M6 3.500a4.500 4.500 0 1 0 0 9M10 3.500a4.500 4.500 0 1 1 0 9M6 3.500h4M6 12.500h4M8 6v4M6 8h4"],
  ["subtract", "Take away from the selection", "M6 3.500a4.500 4.500 0 1 0 0 9M10 3.500a4.500 4.500 0 1 1 0 9M6 3.500h4M6 12.500h4M6 8h4"],
  ["intersect", "Keep only these in the selection", "M6 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 1 0 0-9ZM10 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 1 0 0-9Z"],
  ["rename", "Rename", RENAME],
  ["delete", "Delete", DELETE],
]

export function render({model}) {
  const list = part("div", "saved-list")
  list.setAttribute("role", "list")
  list.setAttribute("aria-label", "Saved selections")
  list.tabIndex = -1

  const rename = (line, entry) => {
    const field = nameField("saved-name", `New name of ${entry.name}`, entry.name,
      (name) => model.send_msg({action: "rename", key: entry.key, name}),
      // No other line: the click that leaves this one is on one of them.
      (byKey) => {
        const again = row(entry)
        line.replaceWith(again)
        if (byKey) { again.querySelector('[data-act="rename"]').focus() }
      })
    line.replaceChildren(field)
    field.focus()
    field.select()
  }

  const row = (entry) => {
    const line = part("div", "saved-row")
    line.setAttribute("role", "listitem")
    line.dataset.key = entry.key
    const show = part("button", "saved-show")
    show.type = "button"
    show.dataset.act = "replace"
    show.title = `Select ${entry.name}`
    show.setAttribute("aria-label", show.title)
    show.addEventListener("click", () => model.send_msg({action: "replace", key: entry.key}))
    show.append(part("span", "name", entry.name), part("span", "count", number.format(entry.count)))
    line.append(show)
    for (const [action, label, path] of ACTIONS) {
      const act = () => action === "rename" ? rename(line, entry) : model.send_msg({action, key: entry.key})
      const small = iconButton("saved-act", `${label}: ${entry.name}`, path, act)
      small.title = label
      small.dataset.act = action
      line.append(small)
    }
    return line
  }

  // A list drawn anew keeps the focus: on the same button, renamed or not, or beside the line that is gone.
  const draw = () => {
    const before = [...list.children], focused = list.getRootNode().activeElement
    const place = before.findIndex((line) => line.contains(focused))
    list.replaceChildren(...model.rows.map(row))
    if (place < 0) { return }
    const lines = [...list.children]
    const same = lines.find((line) => line.dataset.key === before[place].dataset.key)
      ?? (lines.length === before.length ? lines[place] : undefined)
    const beside = lines[Math.min(place, lines.length - 1)]
    const next = same?.querySelector(`[data-act="${focused.dataset.act}"]`) ?? beside?.querySelector(".saved-show")
    ;(next ?? list).focus()
  }
  model.on("rows", draw)
  draw()

  const look = () => model.send_msg({action: "look"})
  const sight = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) { look() } })
  sight.observe(list)
  window.addEventListener("focus", look)
  model.on("remove", () => {
    sight.disconnect()
    window.removeEventListener("focus", look)
  })
  return list
}

// Saved selections, one a line: click restores, small buttons combine, rename and delete. Names are set as text.
const ACTIONS = [
  ["union", "Add to the selection", "M6 3.500a4.500 4.500 0 1 0 0 9M10 3.500a4.500 4.500 0 1 1 0 9M6 3.500h4M6 12.500h4M8 6v4M6 8h4"],
  ["subtract", "Take away from the selection", "M6 3.500a4.500 4.500 0 1 0 0 9M10 3.500a4.500 4.500 0 1 1 0 9M6 3.500h4M6 12.500h4M6 8h4"],
  ["intersect", "Keep only these in the selection", "M6 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 1 0 0-9ZM10 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 1 0 0-9Z"],
  ["rename", "Rename", "M3 13l.7-3L11 2.700l2.300 2.300L6 12.300 3 13Z"],
  ["delete", "Delete", "M3 4.500h10M6.500 4.500v-2h3v2M4.500 4.500l.5 9h6l.5-9M7 7v4.500M9 7v4.500"],
]

export function render({model}) {
  const list = part("div", "saved-list")
  list.setAttribute("role", "list")
  list.setAttribute("aria-label", "Saved selections")

  const button = (className, label, act) => {
    const element = part("button", className)
    element.type = "button"
    element.title = label
    element.setAttribute("aria-label", label)
    element.addEventListener("click", act)
    return element
  }

  const rename = (line, entry) => {
    const field = part("input", "saved-name")
    field.value = entry.name
    field.maxLength = 200
    field.setAttribute("aria-label", `New name of ${entry.name}`)
    let open = true
    const close = () => { if (open) { open = false; draw() } }
    field.addEventListener("keydown", (event) => {
      event.stopPropagation()
      if (event.key === "Enter") {
        model.send_msg({action: "rename", key: entry.key, name: field.value})
        close()
      }
      if (event.key === "Escape") { close() }
    })
    field.addEventListener("blur", close)
    line.replaceChildren(field)
    field.focus()
    field.select()
  }

  const row = (entry) => {
    const line = part("div", "saved-row")
    line.setAttribute("role", "listitem")
    const show = button("saved-show", `Select ${entry.name}`,
      () => model.send_msg({action: "replace", key: entry.key}))
    show.append(part("span", "name", entry.name), part("span", "count", number.format(entry.count)))
    line.append(show)
    for (const [action, label, path] of ACTIONS) {
      const act = () => action === "rename" ? rename(line, entry) : model.send_msg({action, key: entry.key})
      const small = button("saved-act", `${label}: ${entry.name}`, act)
      small.title = label
      small.append(icon(path))
      line.append(small)
    }
    return line
  }

  const draw = () => { list.replaceChildren(...model.rows.map(row)) }
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

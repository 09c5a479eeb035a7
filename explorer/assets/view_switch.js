// Which of the views has the middle of the page.
const VIEWS = [
  ["map", "Map", "One map, or up to four side by side"],
  ["wall", "Wall", "All runs of a sweep in their grid"],
]

export function render({model}) {
  const group = part("div", "view-switch")
  group.setAttribute("role", "group")
  group.setAttribute("aria-label", "View")
  const buttons = VIEWS.map(([view, name, title]) => {
    const button = part("button", "view-button", name)
    button.type = "button"
    button.title = title
    button.addEventListener("click", () => model.send_msg({view}))
    group.append(button)
    return [view, button]
  })
  const draw = () => {
    for (const [view, button] of buttons) { button.setAttribute("aria-pressed", view === model.shown) }
  }
  model.on("shown", draw)
  draw()
  return group
}

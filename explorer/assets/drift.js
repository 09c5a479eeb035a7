// Clusters over time. All texts are set as text.
export function render({model}) {
  const box = part("div", "compared drift")
  const pick = (key) => model.send_msg({key})
  let open = false

  // What does not change is folded until it is asked for.
  const folded = (told) => {
    const fold = part("details", "steady")
    fold.open = open
    fold.append(part("summary", "", told.folded), ...told.steady.map((entry) => foundRow(entry, pick)))
    fold.addEventListener("toggle", () => { open = fold.open })
    return fold
  }

  const draw = () => {
    const told = model.state
    if (!told.said) { box.replaceChildren(); return }
    const verdict = part("p", "said", told.said)
    verdict.setAttribute("role", "status")
    replaceKeepingFocus(box, [
      verdict,
      ...(told.changing.length || told.none
        ? [foundGroup("Changing clusters", told.span, told.changing, pick, told.none)] : []),
      ...(told.steady.length ? [folded(told)] : []),
    ])
  }

  model.on("state", draw)
  draw()
  return box
}

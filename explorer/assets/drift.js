// Clusters over time. All texts are set as text.
export function render({model}) {
  const box = part("div", "compared drift")
  const pick = (key) => model.send_msg({key})

  const draw = () => {
    const {said, ends, changing, steady, n_steady} = model.state
    if (!said) { box.replaceChildren(); return }
    const verdict = part("p", "said", said)
    verdict.setAttribute("role", "status")
    const span = `${ends[0]} – ${ends[1]}`
    const more = n_steady > steady.length ? `the first ${number.format(steady.length)} of ${number.format(n_steady)}` : span
    replaceKeepingFocus(box, [
      verdict,
      foundGroup("Changing clusters", span, changing, pick, "None changes by more than chance."),
      ...(steady.length ? [foundGroup("Steady clusters", more, steady, pick)] : []),
    ])
  }

  model.on("state", draw)
  draw()
  return box
}

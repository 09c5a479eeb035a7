// A batch against the other items: where it lies more or less densely, and the regions. All texts are set as text.
export function render({model}) {
  const box = part("div", "compared coverage")
  const pick = (key) => model.send_msg({key})

  const picture = ({picture, about, ramp}) => {
    const figure = part("figure", "difference")
    const image = part("img", "")
    image.src = picture
    image.alt = about
    image.title = "Blue: the batch is lacking. Orange: it abounds. Grey: no difference beyond chance, or too few items to tell."
    const bar = part("span", "ramp")
    bar.style.background = `linear-gradient(90deg, ${ramp.join(", ")})`
    const ends = part("figcaption", "ends")
    ends.append(part("span", "", "batch lacking"), part("span", "", "batch abounds"))
    figure.append(image, bar, ends)
    return figure
  }

  const act = (key, words, about) => {
    const button = part("button", "gap-button", words)
    button.type = "button"
    button.dataset.key = key
    button.title = about
    pickable(button, () => pick(key))
    return button
  }

  const draw = () => {
    const {said, notes, gap, groups} = model.state
    if (!said) { box.replaceChildren(); return }
    const verdict = part("p", "said", said)
    verdict.setAttribute("role", "status")
    const acts = part("div", "gap-acts")
    acts.append(
      act("gaps", gap, "Selects the other items that lie in the gaps"),
      act("sample", "Sample the gap", "Selects the items in the gaps and draws some of them at random"),
    )
    acts.hidden = !gap
    const lists = groups.filter((told) => told.findings.length)
      .map((told) => foundGroup(told.title, told.note, told.findings, pick))
    const beside = notes.map((note) => part("p", "note", note))
    replaceKeepingFocus(box, [picture(model.state), verdict, ...beside, acts, ...lists])
  }

  model.on("state", draw)
  draw()
  return box
}

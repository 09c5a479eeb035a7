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

  const draw = () => {
    const {said, notes, gap, groups} = model.state
    if (!said) { box.replaceChildren(); return }
    const verdict = part("p", "said", said)
    verdict.setAttribute("role", "status")
    const select = part("button", "gap-button", gap)
    select.type = "button"
    select.dataset.key = "gaps"
    select.hidden = !gap
    select.title = "Selects the other items that lie in the gaps, to be drawn from under Sample"
    pickable(select, () => pick("gaps"))
    const lists = groups.filter((told) => told.findings.length)
      .map((told) => foundGroup(told.title, told.note, told.findings, pick))
    const beside = notes.map((note) => part("p", "note", note))
    replaceKeepingFocus(box, [picture(model.state), verdict, ...beside, select, ...lists])
  }

  model.on("state", draw)
  draw()
  return box
}

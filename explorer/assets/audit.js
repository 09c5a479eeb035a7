// What an audit found, worst first, and the clusters it found nothing of. All texts are set as text.
const STRATEGIES = [
  ["medoids", "Medoids", "Draws the items nearest, in sum, to all others of these: what is typical"],
  ["boundary", "Boundary", "Draws the items with the most unselected neighbours on the map: what is at the edge"],
  ["outliers", "Outliers", "Draws the items farthest from their neighbours in the data: what hardly belongs"],
]
const OPEN = "open", ALL = "all", PAGE = 60

export function render({model}) {
  const box = part("div", "compared audit")
  const levels = new Set()
  const folds = new Map()
  let marked = ALL, open = "", shown = PAGE, soundOpen = false, draft = null
  const show = (key) => {
    open = key
    model.send_msg({act: "show", key})
    draw()
  }

  const numbers = (told) => {
    const row = part("span", "audit-numbers")
    for (const [name, value, about] of told) {
      const one = part("span", "")
      one.title = about
      one.append(part("b", "", value), part("span", "", name))
      row.append(one)
    }
    return row
  }

  const place = (entry) => {
    const line = part("span", "place")
    line.append(part("span", "", entry.cluster), part("span", "called", entry.name))
    line.title = entry.name
    return line
  }

  const head = (entry, about, ...inside) => {
    const line = part("button", `found ${entry.tone ?? "good"}`)
    line.type = "button"
    line.dataset.key = entry.key
    line.title = about
    line.append(...inside)
    pickable(line, () => show(entry.key))
    return line
  }

  const button = (key, label, about, act) => {
    const one = part("button", "audit-act", label)
    one.type = "button"
    one.dataset.key = key
    one.title = about
    one.addEventListener("click", act)
    return one
  }

  const sampling = (entry) => {
    const row = part("div", "audit-acts")
    row.setAttribute("role", "group")
    row.setAttribute("aria-label", "Draw a sample of these items")
    row.append(part("span", "label", "sample"), ...STRATEGIES.map(([strategy, label, about]) =>
      button(`${entry.key}:${strategy}`, label, about, () => model.send_msg({act: "sample", key: entry.key, strategy}))))
    return row
  }

  // The mark of a finding; a note belongs to a mark.
  const marking = (entry) => {
    const row = part("div", "audit-acts"), now = entry.state || OPEN
    row.setAttribute("role", "group")
    row.setAttribute("aria-label", "Mark of this finding")
    const set = (state, note) => {
      draft = null
      model.send_msg({act: "mark", key: entry.key, state, note})
    }
    row.append(part("span", "label", "mark"))
    for (const state of [OPEN, ...model.state.states]) {
      const about = state === OPEN ? "Takes the mark and its note away" : `Marks this finding as ${state}`
      const one = button(`${entry.key}:${state}`, state, about, () => set(state, entry.note))
      one.setAttribute("aria-pressed", state === now)
      row.append(one)
    }
    if (now === OPEN) { return [row] }
    const note = part("input", "audit-note")
    note.dataset.key = `${entry.key}:note`
    note.maxLength = 2000
    note.placeholder = "Note: why, in your own words"
    note.value = draft?.key === entry.key ? draft.text : entry.note
    note.setAttribute("aria-label", "Note on this finding")
    note.title = `Kept with the mark; Enter saves. Marked on ${entry.changed}.`
    note.addEventListener("input", () => { draft = {key: entry.key, text: note.value} })
    note.addEventListener("change", () => {
      entry.note = note.value
      set(now, note.value)
    })
    note.addEventListener("keydown", (event) => {
      event.stopPropagation()
      if (event.key === "Escape") {
        draft = null
        note.value = entry.note
      }
    })
    return [row, note]
  }

  // A part that unfolds, and stays as it was left whichever entry is looked at and wherever it stands there.
  const fold = (entry, name, title, opens, ...inside) => {
    const whole = part("details", "measures-fold"), summary = part("summary", "", title)
    whole.open = folds.get(title) ?? opens
    summary.dataset.key = `${entry.key}:${name}`
    summary.addEventListener("click", () => folds.set(title, !whole.open))
    whole.append(summary, ...inside)
    return whole
  }

  const measures = (lines) => {
    const whole = part("dl", "measures")
    for (const [name, ...cells] of lines) {
      const line = part("div", "")
      line.append(part("dt", "", name), ...cells)
      whole.append(line)
    }
    return whole
  }

  const inNumbers = ([name, value, beside, usual]) => {
    const median = part("dd", "usual")
    if (usual) { median.append(part("span", "unseen", "median of all clusters "), usual) }
    return [name, part("dd", "value", value), part("dd", "beside", beside), median]
  }
  const inWords = ([name, words]) => [name, part("dd", "words", words)]

  // All that is measured of the cluster of an entry, once the server has told it.
  const measured = (entry) => {
    const told = model.measures
    if (told.cluster !== entry.cluster) { return [] }
    const head = part("h4", "measures-head")
    head.append(part("span", "", told.cluster), part("span", "", told.usual))
    return [
      head,
      measures(told.numbers.map(inNumbers)),
      ...told.columns.map(({title, dominant, numbers, words}, place) =>
        fold(entry, `by${place}`, title, place === entry.by,
          measures([inWords(dominant), ...numbers.map(inNumbers), ...words.map(inWords)]))),
      fold(entry, "meanings", "What these mean", false, measures(told.meanings.map(inWords))),
    ]
  }

  const detail = (entry) => {
    const whole = part("div", "audit-detail")
    for (const [, sentence] of entry.cautions) { whole.append(part("p", "caution", `⚠ ${sentence}`)) }
    whole.append(sampling(entry))
    if (entry.whole) {
      whole.lastChild.append(button(`${entry.key}:whole`, `Select all of ${entry.cluster}`,
        `Selects the ${entry.size} of the cluster, and not just the ${entry.items} that this concerns`,
        () => model.send_msg({act: "show", key: entry.whole})))
    }
    whole.append(...marking(entry), ...measured(entry))
    return whole
  }

  const finding = (entry) => {
    const item = part("div", `audit-row${entry.state && entry.state !== "to do" ? " settled" : ""}`)
    item.setAttribute("role", "listitem")
    item.classList.toggle("open", entry.key === open)
    const top = part("span", "found-head")
    top.append(part("span", "dot"), part("b", "name", entry.title))
    if (entry.state) { top.append(part("span", "mark", entry.state)) }
    top.append(part("span", "value", entry.severity))
    const inside = [top, place(entry), part("span", "sentence", entry.sentence)]
    if (entry.cautions.length) {
      inside.push(part("span", "caution", `⚠ ${entry.cautions.map(([title]) => title).join(" · ")}`))
    }
    const line = head(entry, `Show and select these ${entry.items}`, ...inside, numbers(entry.numbers))
    line.setAttribute("aria-expanded", entry.key === open)
    item.append(line)
    if (entry.key === open) { item.append(detail(entry)) }
    return item
  }

  // Which findings are listed: those of the pressed levels, all when none is, and of one mark.
  const filters = (told) => {
    const row = part("div", "audit-filters")
    for (const level of told.levels) {
      const n = told.findings.filter((entry) => entry.severity === level).length
      if (!n) { continue }
      const one = button(`level:${level}`, `${level} ${number.format(n)}`, `List findings of ${level} severity`, () => {
        if (!levels.delete(level)) { levels.add(level) }
        shown = PAGE
        draw()
      })
      one.setAttribute("aria-pressed", levels.has(level))
      row.append(one)
    }
    const select = part("select", "audit-marked")
    select.dataset.key = "marked"
    select.title = "List findings of this mark"
    select.setAttribute("aria-label", "Findings of which mark")
    for (const state of [ALL, OPEN, ...told.states]) {
      const n = told.findings.filter((entry) => state === ALL || (entry.state || OPEN) === state).length
      const option = part("option", "", `${state === ALL ? "any mark" : state} ${number.format(n)}`)
      option.value = state
      select.append(option)
    }
    select.value = marked
    select.addEventListener("change", () => {
      marked = select.value
      shown = PAGE
      draw()
    })
    row.append(select)
    return row
  }

  const listed = (told) => {
    const list = part("div", "audit-list")
    list.setAttribute("role", "list")
    list.setAttribute("aria-label", "Findings")
    const chosen = told.findings.filter((entry) =>
      (!levels.size || levels.has(entry.severity)) && (marked === ALL || (entry.state || OPEN) === marked))
    list.append(...chosen.slice(0, shown).map(finding))
    if (!chosen.length) { list.append(part("p", "note", "No finding of this severity and mark.")) }
    if (chosen.length > shown) {
      list.append(button("more", `${number.format(chosen.length - shown)} more`, "Lists more findings", () => {
        shown += PAGE
        draw()
      }))
    }
    return list
  }

  const sound = ({title, hint, clusters}) => {
    const fold = part("details", "steady")
    fold.open = soundOpen
    const summary = part("summary", "", title)
    summary.title = hint
    fold.append(summary, ...clusters.map((entry) => {
      const top = part("span", "found-head")
      top.append(part("span", "dot"), place(entry))
      const item = part("div", "audit-row")
      item.append(head(entry, `Show and select these ${entry.items}`, top, numbers(entry.numbers)))
      if (entry.key === open) {
        const below = part("div", "audit-detail")
        below.append(sampling(entry), ...measured(entry))
        item.append(below)
        item.classList.add("open")
      }
      return item
    }))
    fold.addEventListener("toggle", () => { soundOpen = fold.open })
    return fold
  }

  const draw = () => {
    const told = model.state
    if (!told.said) { box.replaceChildren(); return }
    // A level that no finding has would list none, and there is no button to let it go.
    for (const level of levels) {
      if (!told.findings.some((entry) => entry.severity === level)) { levels.delete(level) }
    }
    const verdict = part("p", "note", told.said)
    verdict.setAttribute("role", "status")
    replaceKeepingFocus(box, [
      verdict,
      ...(told.untried ? [part("p", "note", told.untried)] : []),
      ...(told.findings.length ? [filters(told), listed(told)] : []),
      ...(told.sound.clusters.length ? [sound(told.sound)] : []),
    ])
  }

  // What is pressed must still be there when it is let go: a note that is left is saved, and drawn anew.
  let held = false, late = false
  const release = () => {
    held = false
    if (late) { setTimeout(draw, 0) }
    late = false
  }
  box.addEventListener("pointerdown", () => { held = true })
  window.addEventListener("pointerup", release)
  window.addEventListener("pointercancel", release)
  const drawSoon = () => { if (held) { late = true } else { draw() } }
  model.on("state", drawSoon)
  model.on("measures", drawSoon)
  model.on("remove", () => {
    window.removeEventListener("pointerup", release)
    window.removeEventListener("pointercancel", release)
  })
  draw()
  return box
}

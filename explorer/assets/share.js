// A button that copies the address of what is on the screen, without the visit, which is one's own.
const SAID_MS = 3000

export function render({model}) {
  // In the place of the one before: Back leaves the page.
  const write = () => {
    const {pathname, hash} = window.location
    if (model.address) { window.history.replaceState(window.history.state, "", pathname + model.address + hash) }
  }
  model.on("address", write)
  write()
  const button = part("button", "bar-button", "Copy link")
  button.type = "button"
  button.title = "Copy the address of this view: data, run, colour, zoom, item, comparison and saved selection"
  const said = part("span", "unseen")
  said.setAttribute("role", "status")
  const link = () => {
    const address = new URL(window.location.href)
    address.searchParams.delete("visit")
    return address.href
  }
  // Browsers give their clipboard to pages of this machine and to https alone.
  const copy = async (text) => {
    if (navigator.clipboard) { return navigator.clipboard.writeText(text) }
    const field = part("textarea", "")
    field.value = text
    document.body.append(field)
    field.select()
    const done = document.execCommand("copy")
    field.remove()
    button.focus()
    if (!done) { throw new Error("the browser copied nothing") }
  }
  button.addEventListener("click", async () => {
    let done = true
    await copy(link()).catch(() => { done = false })
    button.textContent = done ? "Copied" : "Copy it from the address bar"
    said.textContent = button.textContent
    setTimeout(() => { button.textContent = "Copy link"; said.textContent = "" }, SAID_MS)
  })
  const whole = part("span", "")
  whole.append(button, said)
  return whole
}

// The settings of a comparison, each with buttons that move it up and take it out. Gradio runs this
// with `element`, `props`, `trigger` and `watch`; props.value is [{label, detail}].

function fill(list) {
  const settings = props.value ?? [];
  const pressed = document.activeElement?.closest?.("li") ? document.activeElement.dataset : null;
  element.querySelector(".nothing").hidden = settings.length > 0;
  list.replaceChildren(
    ...settings.map(({ label, detail }, index) => {
      const row = document.createElement("li");
      const text = document.createElement("div");
      text.append(line("span", label), line("small", detail));
      row.append(text);
      if (index) row.append(button("\u2191", `Move ${label} up`, { index, label, up: true }));
      row.append(button("Remove", `Remove ${label}`, { index, label, up: false }));
      return row;
    }),
  );
  if (pressed?.index !== undefined) refocus(list, pressed);
}

function button(text, name, what) {
  const made = line("button", text);
  made.type = "button";
  made.setAttribute("aria-label", name);
  made.title = name;
  made.dataset.index = what.index;
  if (what.up) made.dataset.up = "";
  made.addEventListener("click", () => trigger("click", what));
  return made;
}

/** Who works with the keyboard stays where they were: on the moved setting, or on the next one. */
function refocus(list, { index, up }) {
  const isUp = up !== undefined;
  const row = list.children[Math.min(index - (isUp ? 1 : 0), list.children.length - 1)];
  (row?.querySelector(isUp ? "[data-up]" : "button:not([data-up])") ?? row?.querySelector("button"))?.focus();
}

/** Text goes in as text: nothing in it is ever read as HTML. */
function line(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

const list = element.querySelector("ol");
fill(list);
watch("value", () => fill(list));

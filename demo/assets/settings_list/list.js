// The settings of a comparison, each with buttons that move it up and take it out. Gradio runs this
// with `element`, `props`, `trigger` and `watch`; props.value is [{label, detail}].

const list = element.querySelector("ol");

/** Rows that stay are not touched: a press that falls into a change of the list must not be lost. */
function fill() {
  const settings = props.value ?? [];
  const held = list.contains(document.activeElement) ? document.activeElement : null;
  const place = held ? placeOf(held.closest("li")) : 0;
  element.querySelector(".nothing").hidden = settings.length > 0;
  const old = [...list.children];
  const rows = settings.map((setting) => kept(old, setting.label) ?? row(setting));
  old.forEach((gone) => gone.remove());
  rows.forEach((one, index) => {
    if (list.children[index] !== one) list.insertBefore(one, list.children[index] ?? null);
  });
  if (held && document.activeElement !== held) refocus(held, place);
}

/** Takes the row of that label out of `rows`. */
function kept(rows, label) {
  const found = rows.findIndex((one) => one.dataset.label === label);
  return found < 0 ? null : rows.splice(found, 1)[0];
}

function row({ label, detail }) {
  const made = document.createElement("li");
  const text = document.createElement("div");
  made.dataset.label = label;
  text.append(line("span", label), line("small", detail));
  made.append(text, button("\u2191", `Move ${label} up`, true), button("Remove", `Remove ${label}`, false));
  return made;
}

function button(text, name, up) {
  const made = line("button", text);
  made.type = "button";
  made.className = up ? "up" : "out";
  made.setAttribute("aria-label", name);
  made.title = name;
  made.addEventListener("click", () => {
    const pressed = made.closest("li");
    trigger("click", { index: placeOf(pressed), label: pressed.dataset.label, up });
  });
  return made;
}

/** Who works with the keyboard stays where they were: on the moved setting, or on the next one. */
function refocus(held, place) {
  const stays = list.contains(held) ? held.closest("li") : list.children[Math.min(place, list.children.length - 1)];
  const again = stays?.querySelector(`.${held.className}`);
  (again?.offsetParent ? again : stays?.querySelector(".out"))?.focus();
}

function placeOf(one) {
  return [...list.children].indexOf(one);
}

/** Text goes in as text: nothing in it is ever read as HTML. */
function line(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

fill();
watch("value", fill);

// The settings of a comparison, each with a button that takes it out. Gradio runs this with
// `element`, `props`, `trigger` and `watch`; props.value is [{label, detail}].

function fill(list) {
  const settings = props.value ?? [];
  element.querySelector(".nothing").hidden = settings.length > 0;
  list.replaceChildren(
    ...settings.map(({ label, detail }, index) => {
      const row = document.createElement("li");
      const text = document.createElement("div");
      const remove = document.createElement("button");
      text.append(line("span", label), line("small", detail));
      remove.type = "button";
      remove.textContent = "Remove";
      remove.setAttribute("aria-label", `Remove ${label}`);
      remove.addEventListener("click", () => trigger("click", { index }));
      row.append(text, remove);
      return row;
    }),
  );
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

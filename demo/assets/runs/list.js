// The runs of a page, each with two buttons. Gradio runs this with `element`, `props`, `trigger` and
// `watch`; props.value is {items: [{id, title, label, facts, numbers, made, given, result}], nothing}.

function fill() {
  const { items = [], nothing = "" } = props.value ?? {};
  const empty = element.querySelector(".nothing");
  empty.hidden = items.length > 0 || !nothing;
  empty.textContent = nothing;
  element.querySelector("ol").replaceChildren(...items.map(row));
}

function row(run) {
  const made = document.createElement("li");
  const when = line("time", moment(run.made));
  when.dateTime = new Date(run.made * 1000).toISOString();
  const pair = box("pair", picture(run.given, "What was restored"), picture(run.result, "The result"));
  const text = box("text", line("strong", run.title), line("span", run.label), line("span", run.numbers));
  const facts = line("span", `${run.facts} · `);
  facts.append(when);
  text.append(facts);
  made.append(pair, text, box("do", button("Show", "show", run, made), button("Use settings", "use", run)));
  return made;
}

function button(words, what, run, current) {
  const made = line("button", words);
  made.type = "button";
  made.setAttribute("aria-label", `${words}: ${run.title}, ${moment(run.made)}`);
  made.addEventListener("click", () => {
    if (current) {
      for (const one of element.querySelectorAll("li")) one.removeAttribute("aria-current");
      current.setAttribute("aria-current", "true");
    }
    trigger("click", { run: run.id, what });
  });
  return made;
}

function picture(source, words) {
  const made = document.createElement("img");
  made.src = source;
  made.alt = words;
  return made;
}

function box(name, ...children) {
  const made = document.createElement("div");
  made.className = name;
  made.append(...children);
  return made;
}

/** Text goes in as text: nothing in it is ever read as HTML. */
function line(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** When, in the time and the words of whoever looks. */
function moment(seconds) {
  const when = new Date(seconds * 1000);
  const isToday = when.toDateString() === new Date().toDateString();
  const time = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return isToday ? `today ${time}` : `${when.toLocaleDateString()} ${time}`;
}

fill();
watch("value", fill);

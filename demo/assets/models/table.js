// The models by family, each with a button that opens it. Gradio runs this with `element`, `props`,
// `trigger` and `watch`; props.value is {families: [{title, rows: [{name, title, size, licence, mark,
// state, kind, action}]}], chosen, nothing}.

const HEADS = ["Model", "Size", "Licence", "State", ""];

/** Text goes in as text: nothing in it is ever read as HTML. */
function made(tag, text = "", kind = "") {
  const one = document.createElement(tag);
  one.textContent = text;
  if (kind) one.className = kind;
  return one;
}

function state({ mark, state: word, kind }) {
  const cell = made("td", "", `where ${kind}`);
  const sign = made("span", mark, "mark");
  sign.setAttribute("aria-hidden", "true");
  cell.append(sign, made("span", word));
  return cell;
}

function line(row, chosen) {
  const one = document.createElement("tr");
  const head = made("th", "", "title");
  const action = made("td", "", "action");
  const button = made("button", row.action);
  head.scope = "row";
  head.append(made("span", row.title), made("small", row.for));
  button.type = "button";
  button.setAttribute("aria-label", `${row.action}: ${row.title}`);
  button.addEventListener("click", () => {
    isOpening = true;
    trigger("click", { name: row.name });
  });
  if (row.name === chosen) one.setAttribute("aria-current", "true");
  action.append(button);
  one.append(head, made("td", row.size, "size"), made("td", row.licence, "licence"), state(row), action);
  return one;
}

function group({ title, rows }, chosen) {
  const body = document.createElement("tbody");
  const head = made("th", title, "family");
  const top = document.createElement("tr");
  head.colSpan = HEADS.length;
  head.scope = "rowgroup";
  top.append(head);
  body.append(top, ...rows.map((row) => line(row, chosen)));
  return body;
}

function fill() {
  const { families = [], chosen = "", nothing = "" } = props.value ?? {};
  const focused = element.querySelector("button:focus")?.getAttribute("aria-label");
  const head = document.createElement("thead");
  const row = document.createElement("tr");
  row.append(...HEADS.map((title) => made(title ? "th" : "td", title)));
  head.append(row);
  table.replaceChildren(head, ...families.map((one) => group(one, chosen)));
  table.hidden = families.length === 0;
  element.querySelector(".nothing").textContent = nothing;
  [...table.querySelectorAll("button")].find((one) => one.ariaLabel === focused)?.focus({ preventScroll: true });
}

/** Where the details stand above the list, as on a phone, go to them once they are there. */
function follow() {
  const details = document.getElementById("models-details");
  if (details && details.getBoundingClientRect().top < 0) details.scrollIntoView();
}

let isOpening = false;
const table = element.querySelector("table");
fill();
watch("value", () => {
  fill();
  if (isOpening) setTimeout(follow, 50);
  isOpening = false;
});

// The keys of the page: Ctrl+Enter (or Cmd+Enter) runs the open tab, Escape stops it, ? lists them.
const seen = (selector) => [...document.querySelectorAll(selector)].find((b) => b.offsetParent && !b.disabled);
const FIELDS = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable=true], [role=listbox]";
addEventListener("keydown", (event) => {
  const busy = event.defaultPrevented || document.querySelector("dialog[open]") || document.fullscreenElement;
  const isTyping = event.composedPath()[0].closest?.(FIELDS);
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const button = seen("button.run");
    if (button) { event.preventDefault(); button.click(); }
  } else if (event.key === "Escape" && !busy && !isTyping) {
    seen('button[id$="-stop"]')?.click();
  } else if (event.key === "?" && !busy && !isTyping) {
    document.getElementById("keys")?.showModal();
  }
});

// First steps, until they are put away; Help leads back to them.
const WALKED = "restoration-walked";
function walk() {
  const steps = document.querySelector(".walk");
  if (!steps || steps.dataset.met) return;
  steps.dataset.met = "yes";
  const isAsked = new URLSearchParams(location.search).has("walk");
  let isNew = true;
  try { isNew = !localStorage.getItem(WALKED); } catch { /* where nothing may be kept */ }
  steps.hidden = !isAsked && (!isNew || innerWidth < 720);
}
addEventListener("click", (event) => {
  if (event.target.closest?.(".walk button")) {
    document.querySelector(".walk").hidden = true;
    document.querySelector("#tabs [role=tab][aria-selected=true]")?.focus();
    try { localStorage.setItem(WALKED, "yes"); } catch { /* it will show again */ }
  } else if (event.target.closest?.("a.skip")) {
    event.preventDefault();
    document.querySelector("#tabs [role=tab][aria-selected=true]")?.focus();
  }
});
/** The link that leads past what stands on every page is the first thing the keyboard meets. */
function lead() {
  const skip = document.querySelector("header.page a.skip");
  if (!skip) return;
  document.querySelector("body > a.skip")?.remove();
  document.body.prepend(skip);
}

// A file dropped where nothing takes it goes to a hidden input, which says what made the picture;
// the browser would leave the page for it.
addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
});
addEventListener("drop", (event) => {
  const file = event.dataTransfer?.files[0];
  if (event.defaultPrevented || !file) return;
  event.preventDefault();
  const input = document.querySelector("#dropped input[type=file]");
  if (!input) return;
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

// What Gradio leaves without a name, names twice or keeps from the keyboard.
function mend() {
  for (const example of document.querySelectorAll("button.gallery-item:not([aria-label])")) {
    const name = example.querySelector("img")?.src.match(/([^/]+)\.\w+$/)?.[1];
    if (name) example.ariaLabel = `Example: ${name}`;
  }
  for (const sign of document.querySelectorAll("footer button img[alt]:not([alt=''])")) sign.alt = "";
  for (const code of document.querySelectorAll(".cm-scroller[tabindex='-1']")) code.tabIndex = 0;
}

// What was unfolded stays so when it is drawn anew, as a table is with every result.
const unfolded = new Set();
function spot(details) {
  const holder = details.closest("[id]:not([id=''])");
  return holder && `${holder.id} ${[...holder.querySelectorAll("details")].indexOf(details)}`;
}
addEventListener("toggle", ({ target }) => {  // it does not bubble
  if (target.tagName !== "DETAILS" || !target.isConnected) return;
  if (target.open) unfolded.add(spot(target)); else unfolded.delete(spot(target));
}, true);
function unfold() {
  if (!unfolded.size) return;
  for (const one of document.querySelectorAll("details:not([open])")) one.open = unfolded.has(spot(one));
}

// What a run says may stand below the fold, as on a phone: it is brought into sight, once.
let isAwaited = false;
addEventListener("click", ({ target }) => { if (target.closest?.("button.run")) isAwaited = true; });
function follow() {
  const said = isAwaited && seen(".state");
  if (!said) return;
  isAwaited = false;
  const { top, bottom } = said.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) said.scrollIntoView({ behavior: "smooth", block: "center" });
}

let isMending = false;
new MutationObserver(() => {
  if (isMending) return;
  isMending = true;
  requestAnimationFrame(() => { isMending = false; mend(); unfold(); walk(); lead(); follow(); });
}).observe(document, { childList: true, subtree: true });

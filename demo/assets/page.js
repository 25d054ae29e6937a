// Ctrl+Enter (or Cmd+Enter) presses the Run button of the tab that is open.
addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const button = [...document.querySelectorAll("button.run")].find((b) => b.offsetParent && !b.disabled);
  if (button) { event.preventDefault(); button.click(); }
});

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
let isMending = false;
new MutationObserver(() => {
  if (isMending) return;
  isMending = true;
  requestAnimationFrame(() => { isMending = false; mend(); });
}).observe(document, { childList: true, subtree: true });

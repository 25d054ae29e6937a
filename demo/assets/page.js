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

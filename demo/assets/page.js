// Ctrl+Enter (or Cmd+Enter) presses the Run button of the tab that is open.
addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const button = [...document.querySelectorAll("button.run")].find((b) => b.offsetParent && !b.disabled);
  if (button) { event.preventDefault(); button.click(); }
});

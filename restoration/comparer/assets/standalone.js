// Shows a comparer on a page that is not Gradio's: showComparer(element, value) puts one into
// `element` and gives a function that takes the next value. The comparer's own scripts stand
// between this file's two halves.

function showComparer(element, value, label = "Comparison") {
  const props = { value, label };
  const followers = [];
  const watch = (_, follow) => followers.push(follow);
  const trigger = () => {}; // nobody keeps votes here
  const bare = document.createElement("div");
  bare.className = "comparer bare";
  element.replaceChildren(bare);
  // --- the comparer ---
  return (next) => {
    props.value = next;
    for (const follow of followers) follow();
  };
}

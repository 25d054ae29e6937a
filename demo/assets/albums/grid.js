// The pictures of an album, each a button that chooses it. Gradio runs this with `element`, `props`,
// `trigger` and `watch`; props.value is {items: [{title, src}], selected}.

function fill() {
  const { items = [], selected = null } = props.value ?? {};
  list.replaceChildren(
    ...items.map(({ title, src }, index) => {
      const button = document.createElement("button");
      const image = document.createElement("img");
      image.src = src;
      image.alt = title;
      button.type = "button";
      button.title = title;
      button.setAttribute("aria-pressed", String(index === selected));
      button.addEventListener("click", () => trigger("click", { index }));
      button.append(image);
      return button;
    }),
  );
}

const list = element.querySelector(".grid");
fill();
watch("value", fill);

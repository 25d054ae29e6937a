// The results of a comparison, each a link to its file. Gradio runs this with `element`, `props`
// and `watch`; props.value is [{label, size, file}].

function fill(list) {
  const files = props.value ?? [];
  element.querySelector(".downloads").hidden = files.length === 0;
  list.replaceChildren(
    ...files.map(({ label, size, file }) => {
      const row = document.createElement("li");
      const link = document.createElement("a");
      link.href = file.url;
      link.download = file.orig_name ?? "";
      link.textContent = label; // text goes in as text: nothing in it is ever read as HTML
      const small = document.createElement("small");
      small.textContent = size;
      row.append(link, small);
      return row;
    }),
  );
}

const list = element.querySelector("ul");
fill(list);
watch("value", () => fill(list));

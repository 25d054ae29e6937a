// Making elements. Text always goes in as text, never as HTML: labels come from users.

function make(tag, className, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function makeButton(text, label, action) {
  const button = make("button", "", { type: "button", title: label }, text);
  if (label !== text) button.setAttribute("aria-label", label);
  button.addEventListener("click", action);
  return button;
}

const ICONS = {
  swap: "M2 5h10M9 2l3 3-3 3M14 11H4M7 8l-3 3 3 3",
  grip: "M6 5 3 8l3 3M10 5l3 3-3 3",
  full: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  glass: "M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M10.5 10.5l3.5 3.5",
};

function makeIcon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

/** A labelled list; `options` is [[value, text], ...]. */
function makeSelect(label, options, value, action) {
  const select = make("select", "", { "aria-label": label });
  for (const [key, text] of options) select.append(make("option", "", { value: key }, text));
  select.value = value;
  select.addEventListener("change", () => action(Number(select.value)));
  return make("label", "pick", {}, make("span", "", {}, label), select);
}

const sizeText = (item) => `${item.width} × ${item.height}`;

/** One picture of the comparison with its name on it: fills its pane, shows only its own box.
 *
 * `name` stands for the picture's own where that is not to be known; an empty one is not shown.
 */
function makeLayer(c, index, { side = "left", name = null } = {}) {
  const item = c.items[index];
  const alt = name ?? [item.label, item.caption].filter(Boolean).join(", ");
  const tag = make("span", `tag ${side}`, { "aria-hidden": "true" }, name ?? item.label);
  const image = makeImage(c, item, alt, () => {
    tag.textContent = `${name ?? item.label}: the picture is no longer on the server, run again`;
  });
  return make("div", "layer", {}, image, tag);
}

/** An image of an item, on the list of those that are laid over the frame. */
function makeImage(c, item, alt, onError = () => {}) {
  const image = make("img", "loading", { alt, draggable: "false", decoding: "async" });
  image.addEventListener("load", () => image.classList.remove("loading"));
  image.addEventListener("error", () => {
    image.classList.remove("loading");
    onError();
  });
  image.src = item.file.url;
  c.laid.push({ element: image, size: item, full: item.full?.url });
  return image;
}

/** Put the lossless file in the place of the copy for viewing, once it has come and is decoded. */
function sharpen(laid) {
  const { full, element } = laid;
  laid.full = null;
  const image = element.cloneNode();
  image.className = element.className.replace("loading", "");
  image.src = full;
  image.decode().then(
    () => {
      image.style.cssText = element.style.cssText;
      image.className = element.className.replace("loading", "");
      element.replaceWith(image);
      laid.element = image;
    },
    () => {}, // the copy stays
  );
}

const loads = new Map(); // address -> promise of a decoded image, for reading its pixels

function loaded(item) {
  const { url } = item.full ?? item.file;
  if (!loads.has(url)) {
    const image = new Image();
    image.src = url;
    loads.set(url, image.decode().then(() => image));
    loads.get(url).catch(() => loads.delete(url));
  }
  return loads.get(url);
}

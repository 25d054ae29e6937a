// The report of an evaluation: head to head, the sortable table of pictures, and a picture in the
// comparer. The data stands in the page as JSON:
//   measures    [{title, digits, unit}]
//   contenders  [{label, folder}], the first of them the input; folders are addresses
//   clean       {label, folder} of the clean pictures, or null
//   pairs       per measure [[first, second, mean, low, high, wins, losses, ties]]
//   pictures    [{name, file, sizes, clean, numbers, errors}]: file is the address in every folder,
//               sizes a [width, height] or null per contender, clean the one of the clean picture,
//               numbers a list per contender in the order of the measures, errors texts or null
// Text goes in as text, never as HTML: names of files come from anybody.

const data = JSON.parse(document.getElementById("data").textContent);
const AT_ONCE = 200; // pictures in the table before more are asked for
const UNSORTED = { column: -1, down: false };
const state = { measure: 0, order: UNSORTED, wanted: "", most: AT_ONCE, open: 0 };
const find = (id) => document.getElementById(id);

function put(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function text(value, digits) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

const number = (picture, contender) => picture.numbers[contender]?.[state.measure] ?? null;
const pictureAt = (folder, picture) => folder + picture.file;
const thumbnailAt = (folder, picture) => `report/thumbnails/${folder}${picture.file.replace(/\.png$/, ".webp")}`;

/** The pictures that are asked for by name, in the order of the column that is sorted by. */
function chosen() {
  const { column, down } = state.order;
  const found = data.pictures.filter(({ name }) => name.toLowerCase().includes(state.wanted));
  if (column < 0) return down ? found.reverse() : found;
  const side = down ? -1 : 1;
  return found.sort((a, b) => {
    const [x, y] = [number(a, column), number(b, column)];
    if (x === null || y === null) return (x === null) - (y === null); // none comes last either way
    return side * (x - y);
  });
}

function drawHead() {
  const cells = [["Picture", -1], ...data.contenders.map(({ label }, index) => [label, index])];
  const row = put("tr");
  for (const [label, column] of cells) {
    const sorted = state.order.column === column;
    const direction = sorted ? (state.order.down ? "descending" : "ascending") : "none";
    const button = put("button", { type: "button" }, label);
    if (sorted) button.prepend(put("span", { "aria-hidden": "true" }, state.order.down ? "▼" : "▲"));
    button.addEventListener("click", () => sortBy(column));
    row.append(put("th", { scope: "col", "aria-sort": direction }, button));
  }
  find("pictures-head").replaceChildren(row);
}

function sortBy(column) {
  const again = state.order.column === column && !state.order.down;
  state.order = { column, down: again };
  drawTable();
  find("pictures-head").querySelectorAll("button")[column + 1].focus();
}

function thumbnail(folder, picture, size) {
  if (!size) return put("span", { class: "none" });
  const image = put("img", { alt: "", loading: "lazy", decoding: "async", width: 96, height: 64 });
  image.src = thumbnailAt(folder, picture);
  return image;
}

function rowOf(picture) {
  const name = put("button", { type: "button" }, picture.name);
  name.addEventListener("click", (event) => (event.stopPropagation(), show(picture)));
  const first = data.clean ? thumbnail(data.clean.folder, picture, picture.clean) : "";
  const row = put("tr", {}, put("th", { scope: "row" }, put("div", { class: "named" }, first, name)));
  data.contenders.forEach(({ folder }, index) => {
    const failed = picture.errors?.[index];
    const { digits } = data.measures[state.measure] ?? { digits: 0 };
    const value = failed ? put("span", { class: "failed", title: failed }, "failed")
      : text(number(picture, index), digits);
    row.append(put("td", {}, thumbnail(folder, picture, picture.sizes[index]), value));
  });
  row.addEventListener("click", () => show(picture));
  return row;
}

function drawTable() {
  const found = chosen();
  drawHead();
  find("pictures-body").replaceChildren(...found.slice(0, state.most).map(rowOf));
  const shown = Math.min(found.length, state.most);
  find("count").textContent = `${shown} of ${data.pictures.length} pictures`;
  find("more").hidden = shown === found.length;
}

function drawPairs() {
  const { digits, unit } = data.measures[state.measure] ?? { digits: 0, unit: "" };
  const signed = (value) => (value > 0 ? "+" : "") + text(value, digits);
  const rows = (data.pairs[state.measure] ?? []).map(
    ([first, second, mean, low, high, wins, losses, ties]) => {
      const [a, b] = [data.contenders[first].label, data.contenders[second].label];
      const sure = low !== null && (low > 0 || high < 0);
      const range = low === null ? "–" : `${signed(low)} to ${signed(high)}`;
      return put(
        "tr",
        {},
        put("th", { scope: "row" }, `${b} instead of ${a}`),
        put("td", sure ? { class: "sure" } : {}, `${signed(mean)} ${unit}`.trim()),
        put("td", {}, range),
        put("td", {}, String(wins)),
        put("td", {}, String(losses)),
        put("td", {}, String(ties)),
      );
    },
  );
  find("pairs").hidden = !rows.length;
  find("pairs-body").replaceChildren(...rows);
}

let showNext = null; // shows another picture, once the comparer has been started

function itemsOf(picture) {
  const kept = data.contenders.flatMap(({ label, folder }, index) => {
    const size = picture.sizes[index];
    return size ? [itemOf(label, folder, picture, size, captionOf(picture, index))] : [];
  });
  const clean = data.clean && picture.clean;
  if (clean) kept.push(itemOf(data.clean.label, data.clean.folder, picture, clean, ""));
  return { items: kept, reference: clean ? kept.length - 1 : null, note: "", first: null, axes: null };
}

function itemOf(label, folder, picture, [width, height], caption) {
  return { label, caption, width, height, file: { url: pictureAt(folder, picture) } };
}

function captionOf(picture, index) {
  const parts = data.measures.map(({ title, digits, unit }, place) => {
    const value = picture.numbers[index]?.[place] ?? null;
    return value === null ? "" : `${title} ${text(value, digits)} ${unit}`.trim();
  });
  return parts.filter(Boolean).slice(0, 3).join(" · ");
}

function show(picture) {
  const order = chosen();
  state.open = order.indexOf(picture);
  find("one-name").textContent = picture.name;
  find("before").disabled = state.open <= 0;
  find("after").disabled = state.open >= order.length - 1;
  find("one-errors").replaceChildren(
    ...(picture.errors ?? []).flatMap((error, index) =>
      error ? [put("p", { class: "failed" }, `${data.contenders[index].label}: ${error}`)] : [],
    ),
  );
  if (!find("one").open) find("one").showModal();
  const value = itemsOf(picture);
  if (showNext) showNext(value);
  else showNext = showComparer(find("comparer"), value, "The picture and what became of it");
}

function step(by) {
  show(chosen()[state.open + by]);
}

find("measure").addEventListener("change", (event) => {
  state.measure = Number(event.target.value);
  drawTable();
  drawPairs();
});
find("wanted").addEventListener("input", (event) => {
  state.wanted = event.target.value.toLowerCase();
  state.most = AT_ONCE;
  drawTable();
});
find("more").addEventListener("click", () => {
  state.most += AT_ONCE;
  drawTable();
});
find("before").addEventListener("click", () => step(-1));
find("after").addEventListener("click", () => step(1));
find("close").addEventListener("click", () => find("one").close());
drawTable();
drawPairs();

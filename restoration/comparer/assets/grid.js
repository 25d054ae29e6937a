// All pictures at once: as a plain grid, or under the axes that they form. A glass over one of them
// shows the same place enlarged in all; `against` shows what differs from one of them instead.

const NARROWEST = 104; // CSS pixels of a pane under axes; wider tables scroll
const GLASS = { share: 0.5, least: 64, most: 200 }; // of a pane's shorter side; CSS pixels
const NOTHING = -1; // in the list of what to show the difference to

const SIDE = {
  title: "Side by side",
  key: "b",
  picks: [],
  hint: "All pictures zoom and move together.",

  tools(c) {
    const glass = makeButton(makeIcon("glass"), "Loupe in every picture (G)", () => c.toggleGlass());
    glass.setAttribute("aria-pressed", String(c.glass));
    const options = [
      [NOTHING, "none"],
      ...c.items.map((item, index) => [index, item.label]),
    ];
    const against = makeSelect("Difference to", options, c.against ?? NOTHING, (index) => {
      c.against = index === NOTHING ? null : index;
      c.rebuild();
    });
    const more = c.against === null ? [] : [gainChoice(c)];
    return [against, ...more, glass, ...(c.glass ? [magnifyChoice(c)] : [])];
  },

  build(c) {
    c.cells = c.items.map((item, index) => {
      const pane = makePane(c, makeSeen(c, index));
      const cell = make("div", "cell", {}, pane, make("p", "band", {}, bandText(c, index)));
      c.stage.append(cell);
      return cell;
    });
    c.glasses = [];
    c.glassLaid = [];
    if (c.glass) buildGlasses(c);
    if (isTable(c.axes)) buildTable(c);
    if (c.glass) c.say("Point at a place, or move the loupe with the arrow keys.");
    if (c.against !== null) {
      c.say(`Black where a picture agrees with ${c.items[c.against].label}; the rest is amplified.`);
    }
  },

  arrange(c) {
    if (isTable(c.axes)) arrangeTable(c);
    else arrangeEvenly(c);
  },

  draw(c, box) {
    for (const layer of c.differing) layer.style.filter = `brightness(${c.gain})`;
    if (c.glass) drawGlasses(c, box);
  },

  keys: (c) => ({ g: () => c.toggleGlass() }),
};

/** A picture, or how it differs from the one that all are held against. */
function makeSeen(c, index) {
  const name = axisName(c, index);
  if (c.against === null || c.against === index) return makeLayer(c, index, { name });
  const layer = makeLayer(c, index, { name });
  const [image, tag] = layer.children;
  const [item, other] = [c.items[index], c.items[c.against]];
  image.alt = `How ${item.label} differs from ${other.label}`;
  const over = make("div", "differing", {}, makeImage(c, other, ""), image);
  c.differing.push(over);
  layer.replaceChildren(over, tag);
  return layer;
}

function bandText(c, index) {
  const item = c.items[index];
  const isOdd = item.width !== c.frame.width || item.height !== c.frame.height;
  const words = [item.caption, isOdd ? sizeText(item) : "", index === c.reference ? "reference" : ""];
  return words.filter(Boolean).join(" · ");
}

// --- axes ---

const isTable = (axes) => Boolean(axes) && axes.rows.length > 1 && axes.columns.length > 1;

/** What a picture is called where one knob alone varies: its value; else null, its own label. */
function axisName(c, index) {
  const place = c.axes?.places[index];
  if (!place || isTable(c.axes)) return null;
  const down = c.axes.rows.length > 1;
  const title = down ? c.axes.row_title : c.axes.column_title;
  return `${title} ${down ? c.axes.rows[place[1]] : c.axes.columns[place[0]]}`.trim();
}

function axisLabel(kind, title, value) {
  return make("div", `axis ${kind}`, {}, make("small", "", {}, title), make("b", "", {}, value));
}

/** How many columns the pictures outside the axes need, which stand before them. */
function outside(c) {
  const count = c.axes.places.filter((place) => !place).length;
  return Math.ceil(count / c.axes.rows.length);
}

function buildTable(c) {
  const { columns, rows, column_title: across, row_title: down, places } = c.axes;
  const lead = outside(c);
  const put = (element, column, row, span = 1) => {
    element.style.gridColumn = String(column);
    element.style.gridRow = `${row} / span ${span}`;
  };
  let loose = 0;
  c.cells.forEach((cell, index) => {
    const place = places[index];
    cell.classList.toggle("placed", Boolean(place));
    if (place) return put(cell, lead + 2 + place[0], 2 + 2 * place[1], 2);
    const [column, row] = [Math.floor(loose / rows.length), loose % rows.length];
    loose += 1;
    return put(cell, column + 1, 2 + 2 * row, 2);
  });
  columns.forEach((value, index) => {
    const label = axisLabel("across", across, value);
    put(label, lead + 2 + index, 1);
    c.stage.append(label);
  });
  rows.forEach((value, index) => {
    const label = axisLabel("down", down, value);
    put(label, lead + 1, 2 + 2 * index);
    c.stage.append(label);
  });
  const corner = make("div", "axis corner");
  put(corner, lead + 1, 1);
  c.stage.append(corner);
}

function arrangeTable(c) {
  const { columns, rows } = c.axes;
  const count = columns.length + outside(c);
  const names = [...c.stage.querySelectorAll(".axis.down")];
  const used = Math.max(...names.map((name) => name.offsetWidth)) + GAP * (count + 1);
  const shape = c.frame.height / c.frame.width;
  const room = mostHeight(c) / rows.length - BAND - GAP;
  const fitting = Math.min((c.stage.clientWidth - used) / count, room / shape);
  const width = Math.floor(Math.max(fitting, NARROWEST));
  const height = Math.round(clamp(width * shape, width / 3, width * 2));
  const lead = `repeat(${count - columns.length}, ${width}px)`;
  const { style } = c.stage;
  style.gridTemplateColumns =
    `${count > columns.length ? lead : ""} max-content repeat(${columns.length}, ${width}px)`;
  style.gridTemplateRows = `auto repeat(${rows.length}, ${height}px auto)`;
}

// --- the glass ---

function buildGlasses(c) {
  const main = c.laid;
  c.laid = c.glassLaid;
  c.glasses = c.panes.map((pane, index) => {
    const image = makeImage(c, c.items[index], "");
    const glass = make("div", "glass", { "aria-hidden": "true" }, image);
    pane.append(glass);
    return glass;
  });
  c.laid = main;
}

function drawGlasses(c, box) {
  const pane = c.pane();
  const side = Math.min(pane.width, pane.height);
  const size = Math.min(clamp(side * GLASS.share, GLASS.least, GLASS.most), side);
  const glass = { width: size, height: size };
  const left = clamp(box.left + c.spot.x * box.width - size / 2, 0, pane.width - size);
  const top = clamp(box.top + c.spot.y * box.height - size / 2, 0, pane.height - size);
  for (const one of c.glasses) {
    Object.assign(one.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${size}px`,
      height: `${size}px`,
    });
  }
  layAll(c.glassLaid, enlarged(c, glass), true);
}

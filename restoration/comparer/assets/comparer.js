// The comparer: state, toolbar and wiring. Gradio runs this with `element`, `props` and `watch`;
// props.value is {items: [{label, caption, file: {url}, width, height}], reference, note, first}.

const GAINS = [1, 2, 4, 8, 16, 32].map((gain) => [gain, `× ${gain}`]);
const MAGNIFICATIONS = [1, 2, 3, 4, 8].map((scale) => [scale, `${scale} : 1`]);
const LOWEST = 180; // CSS pixels
const HIGHEST = 720;
const SCREEN_SHARE = 0.7;
const MARGIN = 12; // CSS pixels below all on a full screen

function makeComparer(root, name) {
  const c = {
    root,
    items: [],
    frame: { width: 1, height: 1 },
    mode: "slider",
    first: 0,
    second: 0,
    view: { zoom: 1, x: 0.5, y: 0.5 },
    spot: { x: 0.5, y: 0.5 },
    split: 0.5,
    gain: 4,
    magnify: 2,
    flipped: false,
    panes: [],
    laid: [],
  };
  layOut(c, name);

  c.pane = () => sizeOf(c.panes[0]);
  c.middle = () => ({ x: c.pane().width / 2, y: c.pane().height / 2 });
  c.look = (view) => {
    c.view = view;
    c.refresh();
  };
  c.zoom = (factor, point = c.middle()) => c.look(zoomedAt(c.frame, c.pane(), c.view, factor, point));
  c.move = (dx, dy) => c.look(movedBy(c.frame, c.pane(), c.view, dx, dy));
  c.fit = () => c.look({ zoom: 1, x: 0.5, y: 0.5 });
  c.actual = (point = c.middle()) => c.zoom(zoomOfScale(c.frame, c.pane(), 1) / c.view.zoom, point);
  c.splitTo = (share) => {
    c.split = clamp(share, 0, 1);
    c.refresh();
  };
  c.spotAt = (point) => {
    if (c.mode !== "loupe") return;
    const place = placeUnder(c.frame, c.pane(), c.view, point);
    c.spot = { x: clamp(place.x, 0, 1), y: clamp(place.y, 0, 1) };
    c.refresh();
  };
  c.flip = (on) => {
    c.flipped = c.mode === "flip" && on;
    c.refresh();
    if (c.mode === "flip") c.say(`Now: ${c.items[c.flipped ? c.second : c.first].label}`);
  };
  c.arrow = (dx, dy, far) => {
    const step = far ? 4 : 1;
    if (document.activeElement === c.handle) c.splitTo(c.split + (dx - dy) * 0.01 * (far ? 10 : 2));
    else if (c.mode === "loupe") moveSpot(c, dx * step, dy * step);
    else c.move(-dx * KEY_STEP * step, -dy * KEY_STEP * step);
  };
  c.pick = (first, second) => {
    [c.first, c.second] = [first, second];
    rebuild(c);
  };
  c.swap = () => c.pick(c.second, c.first);
  c.next = () => c.pick(c.first, (c.second + 1) % c.items.length);
  c.show = (mode) => {
    if (mode === c.mode) return;
    c.mode = mode;
    rebuild(c);
  };
  c.say = (text) => (c.status.textContent = text);
  c.toggleHelp = () => {
    c.help.hidden = !c.help.hidden;
    c.helpButton.setAttribute("aria-expanded", String(!c.help.hidden));
    c.refresh();
  };

  let due = 0;
  c.refresh = () => (due ||= requestAnimationFrame(() => ((due = 0), draw(c))));
  new ResizeObserver(c.refresh).observe(root);
  listenToPointers(c);
  listenToKeys(c);
  return c;
}

/** The parts that stay: toolbar, banner, stage, status line, captions, keys. */
function layOut(c, name) {
  const modes = make("div", "modes", { role: "group", "aria-label": "View" });
  c.modeButtons = Object.entries(VIEWS).map(([mode, { title, key }]) => {
    const button = makeButton(title, title, () => c.show(mode));
    button.title = `${title} (${key.toUpperCase()})`;
    modes.append(button);
    return [mode, button];
  });
  c.picks = make("div", "picks");
  c.readout = make("output", "readout", { "aria-label": "Zoom" });
  c.helpButton = makeButton("?", "Keyboard and gestures", () => c.toggleHelp());
  c.helpButton.setAttribute("aria-expanded", "false");
  const full = makeButton(makeIcon("full"), "Full screen", () =>
    document.fullscreenElement ? document.exitFullscreen() : c.root.requestFullscreen(),
  );
  full.hidden = !document.fullscreenEnabled;
  const tools = make(
    "div",
    "tools",
    { role: "group", "aria-label": "Zoom" },
    makeButton("−", "Zoom out", () => c.zoom(1 / 1.5)),
    c.readout,
    makeButton("+", "Zoom in", () => c.zoom(1.5)),
    makeButton("Fit", "Fit the whole picture", () => c.fit()),
    makeButton("1:1", "One pixel of the picture on one of the screen", () => c.actual()),
    full,
    c.helpButton,
  );
  c.bar = make("div", "bar", {}, modes, c.picks, tools);
  c.note = make("p", "note");
  c.stage = make("div", "stage", {
    tabindex: "0",
    role: "group",
    "aria-label": "Pictures: plus and minus zoom, arrow keys move, question mark lists all keys",
  });
  c.empty = make("p", "empty", {}, "The pictures to compare will appear here.");
  c.status = make("p", "status", { role: "status" });
  c.captions = make("ul", "captions");
  c.help = make("dl", "help", { "aria-label": "Keys" });
  for (const [keys, text] of KEYS) c.help.append(make("dt", "", {}, keys), make("dd", "", {}, text));
  c.help.hidden = true;
  c.root.setAttribute("role", "group");
  c.root.setAttribute("aria-label", name);
  c.root.append(c.bar, c.help, c.note, c.empty, c.stage, c.status, c.captions);
}

/** Put up the panes and lists of the chosen view. */
function rebuild(c) {
  const view = VIEWS[c.mode];
  c.stage.replaceChildren();
  c.lenses?.remove();
  Object.assign(c, { panes: [], laid: [], lenses: null, handle: null, map: null, flipped: false });
  c.say(view.hint);
  view.build(c);
  c.stage.dataset.mode = c.mode;
  for (const [mode, button] of c.modeButtons) {
    button.setAttribute("aria-pressed", String(mode === c.mode));
  }
  fillPicks(c, view);
  fillCaptions(c, view);
  c.refresh();
}

function fillPicks(c, view) {
  const options = c.items.map((item, index) => [index, item.label]);
  const [left, right] = view.picks;
  const parts = [];
  if (left) parts.push(makeSelect(left, options, c.first, (index) => c.pick(index, c.second)));
  if (right) {
    const swap = makeButton(makeIcon("swap"), "Swap the two pictures", () => c.swap());
    parts.push(swap, makeSelect(right, options, c.second, (index) => c.pick(c.first, index)));
  }
  const set = (key) => (value) => {
    c[key] = value;
    c.refresh();
  };
  if (c.mode === "difference") parts.push(makeSelect("Gain", GAINS, c.gain, set("gain")));
  if (c.mode === "loupe") {
    parts.push(makeSelect("Enlarge", MAGNIFICATIONS, c.magnify, set("magnify")));
  }
  c.picks.replaceChildren(...parts);
}

function fillCaptions(c, view) {
  const all = c.items.map((_, index) => index);
  const seen = view.picks.length === 2 ? [...new Set([c.first, c.second])] : all;
  c.captions.replaceChildren(
    ...seen.map((index) => {
      const item = c.items[index];
      const words = [item.caption, sizeText(item), index === c.reference ? "reference" : ""];
      const text = make("span", "", {}, words.filter(Boolean).join(" · "));
      return make("li", "", {}, make("strong", "", {}, item.label), text);
    }),
  );
}

/** Give the stage its height, then lay every picture where the view puts it. */
function draw(c) {
  if (!c.items.length || !c.root.clientWidth) return;
  const most = mostHeight(c);
  const width = c.stage.clientWidth;
  const { columns, rows } = bestGrid(c.panes.length, c.frame, width, most);
  const wanted = (rows * width * c.frame.height) / (columns * c.frame.width);
  c.stage.style.height = `${clamp(wanted, LOWEST, Math.max(LOWEST, most))}px`;
  c.stage.style.gridTemplate = `repeat(${rows}, minmax(0, 1fr)) / repeat(${columns}, minmax(0, 1fr))`;
  c.view = settled(c.frame, c.pane(), c.view);
  const box = frameBox(c.frame, c.pane(), c.view);
  for (const { element, size } of c.laid) lay(element, size, box);
  c.stage.classList.toggle("zoomed", c.view.zoom > 1);
  const scale = (box.width * devicePixelRatio) / c.frame.width;
  c.readout.textContent = `${Math.round(scale * 100)} %`;
  VIEWS[c.mode].draw(c, box);
}

/** How high the stage may be: a share of the window, or what the rest leaves of the full screen. */
function mostHeight(c) {
  if (document.fullscreenElement !== c.root) return Math.min(innerHeight * SCREEN_SHARE, HIGHEST);
  const used = c.captions.offsetTop + c.captions.offsetHeight - c.stage.offsetHeight;
  return innerHeight - used - MARGIN;
}

function moveSpot(c, dx, dy) {
  const box = frameBox(c.frame, c.pane(), c.view);
  c.spot = {
    x: clamp(c.spot.x + (dx * 8) / box.width, 0, 1),
    y: clamp(c.spot.y + (dy * 8) / box.height, 0, 1),
  };
  c.refresh();
}

/** Take over what the server sent; keep view, mode and the pictures chosen where they still fit. */
function update(c, value) {
  const chosen = [c.first, c.second].map((index) => c.items[index]?.file.url);
  const before = c.items[0]?.file.url;
  c.items = value?.items ?? [];
  c.reference = value?.reference ?? null;
  c.note.textContent = value?.note ?? "";
  c.note.hidden = !c.note.textContent;
  c.root.classList.toggle("bare", !c.items.length);
  if (!c.items.length) return c.stage.replaceChildren();
  c.frame = c.items.reduce((a, b) => (a.width * a.height >= b.width * b.height ? a : b));
  const same = c.items[0].file.url === before;
  if (!same) c.view = { zoom: 1, x: 0.5, y: 0.5 };
  const kept = chosen.map((url) => (same ? c.items.findIndex((item) => item.file.url === url) : -1));
  const result = c.items.findIndex((_, index) => index > 0 && index !== c.reference);
  const [left, right] = value.first ?? [0, Math.max(result, 0)];
  c.first = kept[0] >= 0 ? kept[0] : left;
  c.second = kept[1] > 0 ? kept[1] : right;
  return rebuild(c);
}

const comparer = makeComparer(element.querySelector(".comparer"), props.label ?? "Comparison");
update(comparer, props.value);
watch("value", () => update(comparer, props.value));

// The comparer: state, toolbar and wiring. Gradio, or a page that stands alone, runs this with
// `element`, `props`, `watch` and `trigger`; props.value is
//   {items: [{label, caption, width, height, file: {url}, full: {url}, run}],
//    reference, note, first, axes: {columns, rows, column_title, row_title, places}}.
// `full` is the lossless file where `file` is a copy for viewing; `run` names what is voted on.

const VIEWS = {
  slider: SLIDER,
  side: SIDE,
  flip: FLIP,
  difference: DIFFERENCE,
  loupe: LOUPE,
  blind: BLIND,
};

const GAP = 4; // CSS pixels between panes
const BAND = 20; // CSS pixels of a line of numbers
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
    picked: false, // somebody has chosen these two
    view: { zoom: 1, x: 0.5, y: 0.5 },
    spot: { x: 0.5, y: 0.5 },
    split: 0.5,
    gain: 4,
    magnify: 2,
    flipped: false,
    glass: false,
    against: null, // the picture that all others are held against
    exact: false, // 1:1 was asked for
    trial: null, // the blind test under way
    axes: null,
    panes: [],
    laid: [],
  };
  layOut(c, name);

  c.pane = () => (c.panes.length ? sizeOf(c.panes[0]) : { width: 1, height: 1 });
  c.middle = () => ({ x: c.pane().width / 2, y: c.pane().height / 2 });
  c.look = (view) => {
    c.view = view;
    c.refresh();
  };
  c.zoom = (factor, point = c.middle()) => c.look(zoomedAt(c.frame, c.pane(), c.view, factor, point));
  c.move = (dx, dy) => c.look(movedBy(c.frame, c.pane(), c.view, dx, dy));
  c.fit = () => {
    c.exact = false;
    c.look({ zoom: 1, x: 0.5, y: 0.5 });
  };
  c.actual = (point = c.middle()) => {
    c.exact = true;
    c.zoom(zoomOfScale(c.frame, c.pane(), 1) / c.view.zoom, point);
  };
  c.splitTo = (share) => {
    c.split = clamp(share, 0, 1);
    c.refresh();
  };
  c.isPointed = () => c.mode === "loupe" || (c.mode === "side" && c.glass);
  c.spotAt = (point) => {
    if (!c.isPointed()) return;
    const place = placeUnder(c.frame, c.pane(), c.view, point);
    c.spot = { x: clamp(place.x, 0, 1), y: clamp(place.y, 0, 1) };
    c.refresh();
  };
  c.canFlip = () => c.mode === "flip" || (c.mode === "blind" && c.panes.length > 0);
  c.flip = (on) => {
    c.flipped = c.canFlip() && on;
    c.refresh();
    if (c.mode === "blind") c.inputButton.setAttribute("aria-pressed", String(c.flipped));
    if (c.mode === "flip") c.say(`Now: ${c.items[c.flipped ? c.second : c.first].label}`);
  };
  c.arrow = (dx, dy, far) => {
    const step = far ? 4 : 1;
    if (document.activeElement === c.handle) c.splitTo(c.split + (dx - dy) * 0.01 * (far ? 10 : 2));
    else if (c.isPointed()) moveSpot(c, dx * step, dy * step);
    else if (c.view.zoom <= 1) c.stage.scrollBy(dx * KEY_STEP * step, dy * KEY_STEP * step);
    else c.move(-dx * KEY_STEP * step, -dy * KEY_STEP * step);
  };
  c.pick = (first, second) => {
    Object.assign(c, { first, second, picked: true });
    if (c.mode !== "blind") rebuild(c);
  };
  c.swap = () => c.pick(c.second, c.first);
  c.next = () => c.pick(c.first, (c.second + 1) % c.items.length);
  c.show = (mode) => {
    if (mode === c.mode || !fits(c, mode)) return;
    c.mode = mode;
    rebuild(c);
  };
  c.rebuild = () => rebuild(c);
  c.toggleGlass = () => {
    c.glass = !c.glass;
    rebuild(c);
    c.bar.querySelector(".picks [aria-pressed]")?.focus();
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

const fits = (c, mode) => VIEWS[mode].fits?.(c) ?? true;

/** Put up the panes and lists of the chosen view. */
function rebuild(c) {
  const view = VIEWS[c.mode];
  c.stage.replaceChildren();
  c.stage.removeAttribute("style");
  c.lenses?.remove();
  c.ballot?.remove();
  Object.assign(c, { panes: [], laid: [], differing: [], peeks: null, flipped: false });
  Object.assign(c, { lenses: null, ballot: null, handle: null, map: null });
  c.say(view.hint);
  view.build(c);
  c.stage.dataset.mode = c.mode;
  c.stage.hidden = !c.panes.length;
  c.stage.classList.toggle("table", c.mode === "side" && isTable(c.axes));
  c.stage.classList.toggle("pointed", c.isPointed());
  for (const [mode, button] of c.modeButtons) {
    button.setAttribute("aria-pressed", String(mode === c.mode));
    button.hidden = !fits(c, mode);
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
  parts.push(...(view.tools?.(c) ?? []));
  c.picks.replaceChildren(...parts);
}

function fillCaptions(c, view) {
  // side by side each picture has its own line below it, and a blind test tells none
  c.captions.hidden = !view.picks.length;
  if (c.captions.hidden) return c.captions.replaceChildren();
  const all = c.items.map((_, index) => index);
  const seen = view.picks.length === 2 ? [...new Set([c.first, c.second])] : all;
  return c.captions.replaceChildren(
    ...seen.map((index) => {
      const item = c.items[index];
      const words = [item.caption, sizeText(item), index === c.reference ? "reference" : ""];
      const text = make("span", "", {}, words.filter(Boolean).join(" · "));
      return make("li", "", {}, make("strong", "", {}, item.label), text);
    }),
  );
}

/** Give the panes their places, then lay every picture where the view puts it. */
function draw(c) {
  if (!c.panes.length || !c.root.clientWidth) return;
  const view = VIEWS[c.mode];
  if (view.arrange) view.arrange(c);
  else arrangeEvenly(c);
  c.view = settled(c.frame, c.pane(), c.view);
  const box = frameBox(c.frame, c.pane(), c.view);
  layAll(c.laid, box, c.exact || c.view.zoom > 1);
  c.stage.classList.toggle("zoomed", c.view.zoom > 1);
  const scale = (box.width * devicePixelRatio) / c.frame.width;
  c.readout.textContent = `${Math.round(scale * 100)} %`;
  view.draw(c, box);
}

/** Fill the stage with the panes, as large as they can be. */
function arrangeEvenly(c) {
  const width = c.stage.clientWidth;
  const band = c.mode === "side" ? BAND : 0;
  const most = Math.max(LOWEST, mostHeight(c));
  const { columns, rows } = bestGrid(c.panes.length, c.frame, width, most);
  const each = (width - (columns - 1) * GAP) / columns;
  const isList = width < NARROW && c.panes.length > 2; // taller than the screen
  const tall = isList ? most : Math.max(most / rows, LOWEST / 2) - band;
  const height = clamp((each * c.frame.height) / c.frame.width, (LOWEST - band) / rows, tall);
  c.stage.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  c.stage.style.gridTemplateRows = `repeat(${rows}, ${height}px${band ? " auto" : ""})`;
}

/** How high the stage may be: a share of the window, or what the rest leaves of the full screen. */
function mostHeight(c) {
  if (document.fullscreenElement !== c.root) return Math.min(innerHeight * SCREEN_SHARE, HIGHEST);
  const below = [c.ballot, c.lenses, c.status, c.captions].filter((part) => part?.offsetHeight);
  const bottom = Math.max(...below.map((part) => part.offsetTop + part.offsetHeight));
  return innerHeight - (bottom - c.stage.offsetHeight) - MARGIN;
}

function moveSpot(c, dx, dy) {
  const box = frameBox(c.frame, c.pane(), c.view);
  c.spot = {
    x: clamp(c.spot.x + (dx * 8) / box.width, 0, 1),
    y: clamp(c.spot.y + (dy * 8) / box.height, 0, 1),
  };
  c.refresh();
}

/** What tells a picture from the others of a comparison; equal pictures have equal addresses. */
const markOf = (item) => item && `${item.file.url} ${item.label}`;

/**
 * Take over what the server sent; keep view, mode and the pictures chosen where they still fit.
 * Until somebody chooses, the first result of the list is on the right, whichever came first.
 */
function update(c, value) {
  const before = c.items.map(markOf);
  const chosen = [before[c.first], before[c.second]];
  c.items = value?.items ?? [];
  c.reference = value?.reference ?? null;
  c.axes = value?.axes ?? null;
  c.note.textContent = value?.note ?? "";
  c.note.hidden = !c.note.textContent;
  c.root.classList.toggle("bare", !c.items.length);
  if (!c.items.length) return c.stage.replaceChildren();
  c.frame = c.items.reduce((a, b) => (a.width * a.height >= b.width * b.height ? a : b));
  const now = c.items.map(markOf);
  const same = now[0] === before[0];
  if (!same) {
    Object.assign(c, { view: { zoom: 1, x: 0.5, y: 0.5 }, exact: false });
    loads.clear();
  }
  if (now.join("\n") !== before.join("\n")) Object.assign(c, { trial: null, against: null });
  if (c.axes && (!same || !c.hadAxes)) c.mode = "side";
  c.hadAxes = Boolean(c.axes);
  if (!fits(c, c.mode)) c.mode = "slider";
  c.picked &&= same;
  const kept = chosen.map((mark) => (c.picked ? now.indexOf(mark) : -1));
  const result = c.items.findIndex((_, index) => index > 0 && index !== c.reference);
  const [left, right] = value.first ?? [0, Math.max(result, 0)];
  c.first = kept[0] >= 0 ? kept[0] : left;
  c.second = kept[1] > 0 ? kept[1] : right;
  return rebuild(c);
}

const comparer = makeComparer(element.querySelector(".comparer"), props.label ?? "Comparison");
update(comparer, props.value);
watch("value", () => update(comparer, props.value));

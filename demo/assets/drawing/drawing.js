// A surface to draw a mask on. Gradio runs this with `element`, `props` and `watch`;
// props.value is {file: {url}, strokes: [{erase, radius, points: [x, y, x, y ...]}]}, all in
// shares of the picture: x of its width, y of its height, the radius of its longer side.

const MOST_NUMBERS = 20000; // demo/drawing.py refuses more
const HIGHEST = 340; // CSS pixels
const BELOW = 140; // CSS pixels for the tools, where the picture fills the screen
const NEAR = 0.002; // points closer than this to the last one are left out
const PAINT = "rgb(225, 29, 72)";
const VEIL = 0.6;

const s = { image: null, url: "", strokes: [], stroke: null, erase: false, radius: 0.02, at: null };

function make(tag, settings = {}, ...inside) {
  const made = Object.assign(document.createElement(tag), settings);
  made.append(...inside);
  return made;
}

function button(text, press) {
  const made = make("button", { type: "button", textContent: text });
  made.addEventListener("click", press);
  return made;
}

const root = element.querySelector(".drawing");
const size = make("input", { type: "range", min: 3, max: 100, value: 20, ariaLabel: "Size of the brush" });
const paint = button("Draw", () => choose(false));
const rub = button("Rub out", () => choose(true));
const undo = button("Undo", () => keep(s.strokes.slice(0, -1)));
const clear = button("Clear", () => keep([]));
const large = button("Enlarge", () =>
  document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen(),
);
large.hidden = !document.fullscreenEnabled;
const tools = make("div", { className: "tools" }, paint, rub, undo, clear, large, make("label", {}, "Brush", size));
const canvas = make("canvas", { ariaLabel: "Draw over what is to be filled in" });
const told = make("p", { className: "told" });
const layer = make("canvas");
tools.setAttribute("role", "toolbar");
tools.setAttribute("aria-label", "Brush");
told.setAttribute("role", "status");
root.append(tools, canvas, told);

function choose(erase) {
  s.erase = erase;
  paint.ariaPressed = String(!erase);
  rub.ariaPressed = String(erase);
}

/** The strokes so far go to Gradio, which sends them along with the next run. */
function keep(strokes) {
  s.strokes = strokes;
  props.value = { ...props.value, strokes };
  refresh();
}

function numbers() {
  return s.strokes.reduce((sum, one) => sum + one.points.length, s.stroke?.points.length ?? 0);
}

/** Read props.value: another picture, or other strokes on the same one. */
function load() {
  const { file, strokes } = props.value ?? {};
  s.strokes = strokes ?? [];
  const url = file?.url ?? "";
  if (url === s.url) return refresh();
  s.url = url;
  s.image = s.stroke = s.at = null;
  if (!url) return refresh();
  const image = new Image();
  image.onload = () => {
    if (s.url !== url) return;
    s.image = image;
    fit();
  };
  image.src = url;
  refresh();
}

/** As wide as there is room for, in the picture's proportions, and sharp on any screen. */
function fit() {
  const style = getComputedStyle(root);
  const room = root.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const isLarge = document.fullscreenElement === root;
  large.textContent = isLarge ? "Back" : "Enlarge";
  if (!s.image || !(room > 0)) return; // no width at all while it is hidden
  const { naturalWidth: width, naturalHeight: height } = s.image;
  const scale = Math.min(room / width, (isLarge ? innerHeight - BELOW : HIGHEST) / height);
  const dense = window.devicePixelRatio || 1;
  canvas.style.width = `${width * scale}px`;
  canvas.style.height = `${height * scale}px`;
  for (const one of [canvas, layer]) {
    one.width = Math.max(1, Math.round(width * scale * dense));
    one.height = Math.max(1, Math.round(height * scale * dense));
  }
  refresh();
}

let due = 0;
function refresh() {
  due ||= requestAnimationFrame(() => ((due = 0), draw()));
}

function draw() {
  const ready = Boolean(s.image);
  tools.hidden = canvas.hidden = !ready;
  undo.disabled = clear.disabled = !s.strokes.length;
  if (!ready) return (told.textContent = "Choose a picture above: it appears here to be drawn on.");
  told.textContent =
    numbers() >= MOST_NUMBERS
      ? "No more fits into one drawing: give a picture of the mask instead."
      : "Draw over what is to be filled in: what is red will be made anew.";
  const pen = layer.getContext("2d");
  pen.clearRect(0, 0, layer.width, layer.height);
  for (const stroke of s.strokes) line(pen, stroke);
  if (s.stroke) line(pen, s.stroke);
  const brush = canvas.getContext("2d");
  brush.drawImage(s.image, 0, 0, canvas.width, canvas.height);
  brush.globalAlpha = VEIL;
  brush.drawImage(layer, 0, 0);
  brush.globalAlpha = 1;
  if (s.at) ring(brush);
}

function line(pen, { erase, radius, points }) {
  const { width, height } = layer;
  pen.globalCompositeOperation = erase ? "destination-out" : "source-over";
  pen.strokeStyle = PAINT;
  pen.lineCap = pen.lineJoin = "round";
  pen.lineWidth = Math.max(1, 2 * radius * Math.max(width, height));
  pen.beginPath();
  pen.moveTo(points[0] * width, points[1] * height);
  for (let i = 0; i < points.length; i += 2) pen.lineTo(points[i] * width, points[i + 1] * height);
  pen.stroke();
}

/** Where the brush is and how large. */
function ring(pen) {
  const { width, height } = canvas;
  for (const [colour, wide] of [["black", 3], ["white", 1.5]]) {
    pen.beginPath();
    pen.arc(s.at[0] * width, s.at[1] * height, s.radius * Math.max(width, height), 0, 2 * Math.PI);
    [pen.strokeStyle, pen.lineWidth] = [colour, wide];
    pen.stroke();
  }
}

function placeOf(event) {
  const box = canvas.getBoundingClientRect();
  const round = (share) => Math.round(Math.min(1.5, Math.max(-0.5, share)) * 1e4) / 1e4;
  return [round((event.clientX - box.left) / box.width), round((event.clientY - box.top) / box.height)];
}

function extend(event) {
  const points = s.stroke.points;
  for (const one of event.getCoalescedEvents?.() ?? [event]) {
    const [x, y] = placeOf(one);
    const far = Math.hypot(x - points.at(-2), y - points.at(-1)) >= NEAR;
    if (far && numbers() < MOST_NUMBERS) points.push(x, y);
  }
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || numbers() >= MOST_NUMBERS) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  s.stroke = { erase: s.erase, radius: s.radius, points: placeOf(event) };
  refresh();
});
canvas.addEventListener("pointermove", (event) => {
  s.at = event.pointerType === "touch" ? null : placeOf(event);
  if (s.stroke) extend(event);
  refresh();
});
canvas.addEventListener("pointerleave", () => ((s.at = null), refresh()));
for (const end of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(end, () => {
    const stroke = s.stroke;
    s.stroke = null;
    if (stroke) keep([...s.strokes, stroke]);
  });
}
size.addEventListener("input", () => (s.radius = Number(size.value) / 1000));
new ResizeObserver(fit).observe(root);

choose(false);
load();
watch("value", load);

// Mouse, touch, pen and keyboard. All of them end in the same few verbs of `c`:
//   c.zoom(factor, point), c.move(dx, dy), c.splitTo(share), c.spotAt(point), c.flip(on)
// A view may have keys of its own, which go before these.

const STILL = 4; // CSS pixels a press may wander and still be a press
const HOLD = 250; // milliseconds from which a press is a hold
const KEY_STEP = 48; // CSS pixels per arrow key

function listenToPointers(c) {
  const fingers = new Map(); // pointer id -> its last point in the pane
  let gesture = null;
  let roused = false; // the wheel zooms only once the pointer itself has moved over the picture

  const pointIn = (pane, event) => {
    const corner = pane.getBoundingClientRect();
    return { x: event.clientX - corner.left, y: event.clientY - corner.top };
  };
  const paneOf = (event) => event.target.closest(".pane"); // null on labels and scroll bars

  c.stage.addEventListener("pointerdown", (event) => {
    const pane = gesture?.pane ?? paneOf(event);
    if (event.button !== 0 || !pane) return;
    fingers.set(event.pointerId, pointIn(pane, event));
    c.stage.setPointerCapture(event.pointerId);
    if (fingers.size > 1) {
      release(gesture);
      gesture = { kind: "pinch", pane };
      return;
    }
    gesture = begin(c, event, pane, fingers.get(event.pointerId));
  });

  c.stage.addEventListener("pointermove", (event) => {
    roused ||= Boolean(event.movementX || event.movementY);
    const last = fingers.get(event.pointerId);
    if (!last || !gesture) {
      const pane = paneOf(event);
      if (event.pointerType === "mouse" && pane) c.spotAt(pointIn(pane, event));
      return;
    }
    const point = pointIn(gesture.pane, event);
    if (gesture.kind === "pinch") pinch(c, fingers, event.pointerId, point);
    else follow(c, gesture, last, point);
    fingers.set(event.pointerId, point);
  });

  const release = (ended) => {
    clearTimeout(ended?.timer);
    if (ended?.held) c.flip(!c.flipped);
  };
  const end = (event) => {
    if (!fingers.delete(event.pointerId) || fingers.size) return;
    release(gesture);
    if (gesture?.kind === "press" && !gesture.held && event.type === "pointerup") c.flip(!c.flipped);
    gesture = null;
  };
  c.stage.addEventListener("pointerup", end);
  c.stage.addEventListener("pointercancel", end);
  c.stage.addEventListener("pointerleave", () => (roused = false));

  c.stage.addEventListener(
    "wheel",
    (event) => {
      const out = event.deltaY > 0;
      const pane = paneOf(event);
      if (!roused || !pane || (out && c.view.zoom <= 1)) return; // let the page scroll
      event.preventDefault();
      c.zoom(Math.exp(-clamp(event.deltaY, -120, 120) / 400), pointIn(pane, event));
    },
    { passive: false },
  );

  c.stage.addEventListener("dblclick", (event) => {
    const pane = paneOf(event);
    if (c.mode === "flip" || !pane) return;
    if (c.view.zoom > 1) c.fit();
    else c.actual(pointIn(pane, event));
  });
}

/** What a press that starts here will do. */
function begin(c, event, pane, point) {
  if (c.mode === "slider" && (event.target === c.handle || c.view.zoom <= 1)) {
    c.splitTo(point.x / pane.clientWidth);
    return { kind: "split", pane };
  }
  if (c.isPointed() && event.pointerType !== "mouse") {
    c.spotAt(point);
    return { kind: "spot", pane };
  }
  if (c.mode !== "flip") return { kind: "pan", pane };
  const gesture = { kind: "press", pane, start: point };
  gesture.timer = setTimeout(() => {
    gesture.held = true;
    c.flip(!c.flipped);
  }, HOLD);
  return gesture;
}

function follow(c, gesture, last, point) {
  if (gesture.kind === "split") c.splitTo(point.x / gesture.pane.clientWidth);
  if (gesture.kind === "spot") c.spotAt(point);
  if (gesture.kind === "pan") c.move(point.x - last.x, point.y - last.y);
  if (gesture.kind !== "press" || gesture.held) return;
  if (Math.hypot(point.x - gesture.start.x, point.y - gesture.start.y) > STILL) {
    clearTimeout(gesture.timer);
    gesture.kind = "pan";
  }
}

function pinch(c, fingers, id, point) {
  const [other] = [...fingers].filter(([key]) => key !== id).map(([, place]) => place);
  const last = fingers.get(id);
  const before = Math.hypot(last.x - other.x, last.y - other.y);
  const after = Math.hypot(point.x - other.x, point.y - other.y);
  c.move((point.x - last.x) / 2, (point.y - last.y) / 2);
  if (before > 0) c.zoom(after / before, { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 });
}

const KEYS = [
  ["S B F D L T", "slider, side by side, flip, difference, loupe, blind test"],
  ["+ −", "zoom in and out (or the wheel, or two fingers)"],
  ["0", "fit the whole picture"],
  ["1", "one pixel of the picture on one of the screen (or double click)"],
  ["← → ↑ ↓", "move the divider, the loupe's frame, or the enlarged picture"],
  ["Space", "flip; hold it to look only as long as you hold"],
  ["G", "side by side: a loupe in every picture"],
  ["1 2 3", "blind test: left is better, right is better, no difference"],
  ["X", "swap the two pictures"],
  ["N", "next picture on the right"],
  ["?", "show or hide these keys"],
];

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function listenToKeys(c) {
  let spaceDown = 0;

  c.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
    if (!c.items.length || !answer(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  c.root.addEventListener("keyup", (event) => {
    if (event.key !== " " || !spaceDown) return;
    if (event.timeStamp - spaceDown > HOLD) c.flip(!c.flipped);
    spaceDown = 0;
  });

  /** Act on a key; whether it was one of ours. */
  function answer(event) {
    const onButton = event.target.matches("button");
    const verbs = {
      "+": () => c.zoom(1.25),
      "=": () => c.zoom(1.25),
      "-": () => c.zoom(1 / 1.25),
      0: () => c.fit(),
      1: () => c.actual(),
      x: () => c.swap(),
      n: () => c.next(),
      "?": () => c.toggleHelp(),
    };
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const view = Object.keys(VIEWS).find((name) => VIEWS[name].key === key);
    const own = VIEWS[c.mode].keys?.(c) ?? {};
    if (Object.hasOwn(own, key)) own[key]();
    else if (view) c.show(view);
    else if (Object.hasOwn(verbs, key)) verbs[key]();
    else if (key === " " && !onButton) press(event);
    else if (key in ARROWS && !onButton) c.arrow(...ARROWS[key], event.shiftKey);
    else if (event.target === c.handle && key === "Home") c.splitTo(0);
    else if (event.target === c.handle && key === "End") c.splitTo(1);
    else return false;
    return true;
  }

  function press(event) {
    if (!c.canFlip() || event.repeat) return;
    spaceDown = event.timeStamp;
    c.flip(!c.flipped);
  }
}

// Ways to look at pictures through one pane. Each has
//   title, key   its name and its letter on the keyboard
//   picks        what its two lists of pictures are called; fewer names, fewer lists
//   hint         one line on how to use it
//   build(c)     put panes into c.stage and every picture to be laid into c.laid
//   draw(c, box) what changes with the view, beyond laying the pictures
// and may have
//   tools(c)     more controls beside the lists
//   arrange(c)   lay the panes out itself, in place of the evenly filled stage
//   fits(c)      whether it can show these pictures
//   keys(c)      {key: action} of its own

const MOST_DIFFERENCE_PIXELS = 16e6; // what a phone's canvas may hold

function makePane(c, ...children) {
  const pane = make("div", "pane", {}, ...children);
  c.stage.append(pane);
  c.panes.push(pane);
  return pane;
}

const SLIDER = {
  title: "Slider",
  key: "s",
  picks: ["Left", "Right"],
  hint: "Drag the divider; arrow keys move it too.",

  build(c) {
    c.rightLayer = makeLayer(c, c.second, { side: "right" });
    c.handle = make("div", "handle", {
      role: "slider",
      tabindex: "0",
      "aria-label": "Divider",
      "aria-orientation": "horizontal",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
    }, makeIcon("grip"));
    makePane(c, makeLayer(c, c.first), c.rightLayer, c.handle);
  },

  draw(c) {
    const percent = Math.round(c.split * 100);
    const [left, right] = [c.items[c.first].label, c.items[c.second].label];
    c.rightLayer.style.clipPath = `inset(0 0 0 ${c.split * 100}%)`;
    c.handle.style.left = `${c.split * 100}%`;
    c.handle.setAttribute("aria-valuenow", percent);
    c.handle.setAttribute("aria-valuetext", `${percent} % ${left}, ${100 - percent} % ${right}`);
  },
};

const FLIP = {
  title: "Flip",
  key: "f",
  picks: ["First", "Second"],
  hint: "Tap the picture or press the space bar to flip; hold to look only as long as you hold.",

  build(c) {
    c.flipLayers = [makeLayer(c, c.first), makeLayer(c, c.second)];
    c.flipLayers[1].classList.add("away");
    makePane(c, ...c.flipLayers);
  },

  draw(c) {
    c.flipLayers.forEach((layer, index) => {
      layer.classList.toggle("away", index !== Number(c.flipped));
    });
  },
};

const DIFFERENCE = {
  title: "Difference",
  key: "d",
  picks: ["First", "Second"],
  hint: "Black where the two agree; what differs is amplified.",

  tools: (c) => [gainChoice(c)],

  build(c) {
    const pane = makePane(c);
    const [first, second] = [c.items[c.first], c.items[c.second]];
    c.say("Computing the difference …");
    difference(first, second).then(
      ({ canvas, mean }) => {
        if (!pane.isConnected) return; // another view was chosen meanwhile
        const text = `Mean difference of ${first.label} and ${second.label}`;
        c.say(`${text}: ${mean.toFixed(2)} of 255`);
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `${text}: ${mean.toFixed(2)} of 255`);
        c.map = canvas;
        c.laid.push({ element: canvas, size: canvas });
        pane.append(make("div", "layer", {}, canvas));
        c.refresh();
      },
      (error) => pane.isConnected && c.say(unreadable(error)),
    );
  },

  draw(c) {
    if (c.map) c.map.style.filter = `brightness(${c.gain})`; // multiplies, then clips: a gain
  },
};

/** Why the pixels of two pictures could not be had. */
function unreadable(error) {
  return error.name === "SecurityError" // pictures beside a page that was opened as a file
    ? "A browser gives no page the pixels of files beside it: take “Side by side”, “Difference to”."
    : "These pictures are no longer on the server: run again.";
}

const GAINS = [1, 2, 4, 8, 16, 32].map((gain) => [gain, `× ${gain}`]);
const MAGNIFICATIONS = [1, 2, 3, 4, 8].map((scale) => [scale, `${scale} : 1`]);

const gainChoice = (c) => makeSelect("Gain", GAINS, c.gain, setter(c, "gain"));
const magnifyChoice = (c) =>
  makeSelect("Enlarge", MAGNIFICATIONS, c.magnify, setter(c, "magnify"));

const setter = (c, key) => (value) => {
  c[key] = value;
  c.refresh();
};

/** |first - second| per channel at the larger one's size, and its mean in grey levels. */
async function difference(first, second) {
  const images = await Promise.all([loaded(first), loaded(second)]);
  const widest = images.reduce((a, b) => (a.naturalWidth >= b.naturalWidth ? a : b));
  const pixels = widest.naturalWidth * widest.naturalHeight;
  const shrink = Math.min(1, Math.sqrt(MOST_DIFFERENCE_PIXELS / pixels));
  const width = Math.max(1, Math.round(widest.naturalWidth * shrink));
  const height = Math.max(1, Math.round(widest.naturalHeight * shrink));
  const [a, b] = images.map((image) => pixelsOf(image, width, height));
  let sum = 0;
  for (let i = 0; i < a.data.length; i += 4) {
    for (let channel = i; channel < i + 3; channel += 1) {
      const gap = Math.abs(a.data[channel] - b.data[channel]);
      a.data[channel] = gap;
      sum += gap;
    }
    a.data[i + 3] = 255;
  }
  const canvas = make("canvas", "", { width, height });
  canvas.getContext("2d").putImageData(a, 0, 0);
  return { canvas, mean: sum / (width * height * 3) };
}

function pixelsOf(image, width, height) {
  const canvas = make("canvas", "", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

const LOUPE = {
  title: "Loupe",
  key: "l",
  picks: ["Shown"],
  hint: "Point at a place, or move the frame with the arrow keys: below, the same place in all.",

  tools: (c) => [magnifyChoice(c)],

  build(c) {
    c.marker = make("div", "marker", { "aria-hidden": "true" });
    makePane(c, makeLayer(c, c.first), c.marker);
    c.lenses = make("div", "lenses");
    const main = c.laid;
    c.laid = [];
    c.items.forEach((_, index) => c.lenses.append(make("div", "lens", {}, makeLayer(c, index))));
    c.lensLaid = c.laid;
    c.laid = main;
    c.stage.after(c.lenses);
  },

  draw(c, box) {
    const lens = sizeOf(c.lenses.firstElementChild);
    const lensBox = enlarged(c, lens);
    layAll(c.lensLaid, lensBox, true);
    const share = box.width / lensBox.width;
    c.marker.style.width = `${lens.width * share}px`;
    c.marker.style.height = `${lens.height * share}px`;
    c.marker.style.left = `${box.left + c.spot.x * box.width}px`;
    c.marker.style.top = `${box.top + c.spot.y * box.height}px`;
  },
};

/** Where the frame lies in a lens that shows the spot, enlarged. */
function enlarged(c, lens) {
  return frameBox(c.frame, lens, { zoom: zoomOfScale(c.frame, lens, c.magnify), ...c.spot });
}

/** Lay pictures over the frame's box; the lossless file comes where a copy has too few pixels. */
function layAll(laid, box, sharp) {
  for (const one of laid) {
    lay(one.element, one.size, box);
    const seen = one.element.naturalWidth; // 0 before it has come
    if (sharp && one.full && seen && box.width * devicePixelRatio >= seen) sharpen(one);
  }
}

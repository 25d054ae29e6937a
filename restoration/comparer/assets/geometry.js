// Where a picture lies in its pane.
//
// Every picture of a comparison fills the same frame, whatever its own size, so that one place of
// the frame is the same place in all of them: a result four times as large lies exactly over its
// input.
//   frame  {width, height} of the largest picture, in its pixels
//   pane   {width, height} of what is seen of it, in CSS pixels
//   view   {zoom, x, y}: zoom 1 fits the frame into the pane; (x, y), each from 0 to 1, is the
//          place of the frame that lies in the middle of the pane

const MOST_SCALE = 32; // device pixels per pixel of the frame
const NARROW = 560; // CSS pixels
const CRISP_SCALE = 2; // from here on a picture shows its pixels as squares

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function fitScale(frame, pane) {
  return Math.min(pane.width / frame.width, pane.height / frame.height);
}

/** The zoom at which `scale` device pixels show one pixel of the frame. */
function zoomOfScale(frame, pane, scale) {
  return scale / devicePixelRatio / fitScale(frame, pane);
}

/** Where the frame lies in the pane, in CSS pixels from the pane's upper left corner. */
function frameBox(frame, pane, view) {
  const scale = fitScale(frame, pane) * view.zoom;
  const width = frame.width * scale;
  const height = frame.height * scale;
  return {
    left: pane.width / 2 - view.x * width,
    top: pane.height / 2 - view.y * height,
    width,
    height,
  };
}

/** The place of the frame, (0..1, 0..1) inside it, under a point of the pane. */
function placeUnder(frame, pane, view, point) {
  const box = frameBox(frame, pane, view);
  return { x: (point.x - box.left) / box.width, y: (point.y - box.top) / box.height };
}

/** The view nearest to `view` that shows no emptiness which a smaller move would avoid. */
function settled(frame, pane, view) {
  const most = Math.max(zoomOfScale(frame, pane, MOST_SCALE), 1);
  const zoom = clamp(view.zoom, 1, most);
  const box = frameBox(frame, pane, { ...view, zoom });
  const middle = (place, size, room) =>
    size <= room ? 0.5 : clamp(place, room / 2 / size, 1 - room / 2 / size);
  return {
    zoom,
    x: middle(view.x, box.width, pane.width),
    y: middle(view.y, box.height, pane.height),
  };
}

/** `view` zoomed by `factor` while the place under `point` stays where it is. */
function zoomedAt(frame, pane, view, factor, point) {
  const place = placeUnder(frame, pane, view, point);
  const { zoom } = settled(frame, pane, { ...view, zoom: view.zoom * factor });
  const box = frameBox(frame, pane, { ...view, zoom });
  return settled(frame, pane, {
    zoom,
    x: place.x + (pane.width / 2 - point.x) / box.width,
    y: place.y + (pane.height / 2 - point.y) / box.height,
  });
}

/** `view` moved by (dx, dy) CSS pixels, as a hand moves paper. */
function movedBy(frame, pane, view, dx, dy) {
  const box = frameBox(frame, pane, view);
  return settled(frame, pane, {
    zoom: view.zoom,
    x: view.x - dx / box.width,
    y: view.y - dy / box.height,
  });
}

/** The columns and rows in which `count` frames are largest inside width x height.
 *
 * On a narrow screen more than two stand in two columns, even if that is more than the height holds.
 */
function bestGrid(count, frame, width, height) {
  if (width < NARROW && count > 2) return { columns: 2, rows: Math.ceil(count / 2) };
  let best = { columns: 1, rows: count, scale: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const scale = fitScale(frame, { width: width / columns, height: height / rows });
    if (scale > best.scale * 1.001) best = { columns, rows, scale };
  }
  return best;
}

/** Lay an image or canvas of `size` pixels over the frame's box. */
function lay(element, size, box) {
  element.style.left = `${box.left}px`;
  element.style.top = `${box.top}px`;
  element.style.width = `${box.width}px`;
  element.style.height = `${box.height}px`;
  const scale = (box.width * devicePixelRatio) / size.width;
  element.classList.toggle("crisp", scale >= CRISP_SCALE);
}

const sizeOf = (element) => ({ width: element.clientWidth, height: element.clientHeight });

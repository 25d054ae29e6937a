// Moves the square over a picture while its sliders move; the server reads the sliders alone.
(size, left, top) => {
  const cropper = document.querySelector("#ELEMENT .cropper");
  if (!cropper) return;
  const [width, height] = [Number(cropper.dataset.width), Number(cropper.dataset.height)];
  const side = Math.max(16, (size / 100) * Math.min(width, height));
  const style = cropper.querySelector(".square").style;
  style.left = `${(left * (width - side)) / width}%`;
  style.top = `${(top * (height - side)) / height}%`;
  style.width = `${(100 * side) / width}%`;
  style.height = `${(100 * side) / height}%`;
}

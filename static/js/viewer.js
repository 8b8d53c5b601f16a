/* The page viewer, over plain links that already work: [data-viewer] holds thumbnails (a[data-page]) that name the
   image and text of their page; ← → turn pages, + - 0 zoom, f fits the width, r turns the view, t shows the text. */

const ZOOMS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4];

const find = () => document.querySelector("[data-viewer]");
const part = (viewer, name) => viewer.querySelector(`[data-viewer-${name}]`);
const thumbs = (viewer) => [...viewer.querySelectorAll("a[data-page]")];

function currentThumb(viewer) {
  return viewer.querySelector("a[data-page][aria-current]") || thumbs(viewer)[0];
}

/** Size by zoom of the stage's width, then turn; a page turned by a quarter keeps its place in the flow. */
function lay(viewer) {
  const image = part(viewer, "image");
  const stage = part(viewer, "stage");
  if (!image || !stage) return;
  const zoom = Number(viewer.dataset.zoom || 1);
  const turn = Number(viewer.dataset.turn || 0);
  const room = stage.clientWidth - parseFloat(getComputedStyle(stage).paddingLeft) * 2;
  const ratio = image.naturalWidth ? image.naturalHeight / image.naturalWidth : 1.3;
  const lying = turn % 180 !== 0;
  const width = lying ? (room * zoom) / ratio : room * zoom;
  const height = width * ratio;
  const shift = lying ? (height - width) / 2 : 0;
  image.style.width = `${width}px`;
  image.style.transform = turn ? `rotate(${turn}deg)` : "";
  image.style.margin = lying ? `${-shift}px ${shift}px` : "";
  const words = part(viewer, "zoom");
  if (words) words.textContent = `${Math.round(zoom * 100)} %`;
}

async function showText(viewer, thumb) {
  const place = part(viewer, "text");
  if (!place || place.hidden || !thumb?.dataset.text || place.dataset.of === thumb.dataset.page) return;
  const answer = await fetch(thumb.dataset.text, { headers: { Accept: "text/plain" } }).catch(() => null);
  if (thumb !== currentThumb(viewer)) return; // turned on meanwhile
  place.dataset.of = thumb.dataset.page;
  const text = answer?.ok && !answer.redirected ? await answer.text() : "The text of this page could not be fetched.";
  place.replaceChildren(Object.assign(document.createElement("pre"), { textContent: text.trim() || "No text was read on this page." }));
}

function turnTo(viewer, thumb) {
  if (!thumb) return false;
  const pages = thumbs(viewer);
  for (const other of pages) other.removeAttribute("aria-current");
  thumb.setAttribute("aria-current", "page");
  thumb.scrollIntoView({ block: "nearest", inline: "nearest" });
  const image = part(viewer, "image");
  image.src = thumb.dataset.image;
  image.alt = `Page ${thumb.dataset.page} of ${pages.length}`;
  const count = part(viewer, "count");
  if (count) count.textContent = `Page ${thumb.dataset.page} of ${pages.length}`;
  part(viewer, "stage")?.scrollTo(0, 0);
  const at = pages.indexOf(thumb);
  for (const [rel, other] of [["prev", pages[at - 1]], ["next", pages[at + 1]]]) {
    const link = viewer.querySelector(`.viewer-bar a[rel="${rel}"]`);
    if (!link) continue;
    link.toggleAttribute("aria-disabled", !other);
    if (other) link.href = other.href;
    else link.removeAttribute("href");
  }
  history.replaceState(history.state, "", thumb.href);
  showText(viewer, thumb);
  return true;
}

function step(viewer, by) {
  const pages = thumbs(viewer);
  return turnTo(viewer, pages[pages.indexOf(currentThumb(viewer)) + by]);
}

function zoom(viewer, by) {
  const now = Number(viewer.dataset.zoom || 1);
  const next = by > 0 ? ZOOMS.find((level) => level > now) : ZOOMS.findLast((level) => level < now);
  viewer.dataset.zoom = String(by === 0 ? 1 : next || now);
  lay(viewer);
}

const ACTS = {
  "zoom-in": (viewer) => zoom(viewer, 1),
  "zoom-out": (viewer) => zoom(viewer, -1),
  fit: (viewer) => zoom(viewer, 0),
  rotate: (viewer) => {
    viewer.dataset.turn = String((Number(viewer.dataset.turn || 0) + 90) % 360);
    lay(viewer);
  },
  text: (viewer, button) => {
    const place = part(viewer, "text");
    place.hidden = !place.hidden;
    button?.setAttribute("aria-expanded", String(!place.hidden));
    showText(viewer, currentThumb(viewer));
  },
};

document.addEventListener("click", (event) => {
  const viewer = event.target.closest?.("[data-viewer]");
  if (!viewer || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const button = event.target.closest("[data-viewer-do]");
  if (button) {
    ACTS[button.dataset.viewerDo]?.(viewer, button);
    return;
  }
  const thumb = event.target.closest("a[data-page]");
  const turning = event.target.closest('.viewer-bar a[rel="prev"], .viewer-bar a[rel="next"]');
  if (thumb && turnTo(viewer, thumb)) event.preventDefault();
  else if (turning && thumbs(viewer).length && step(viewer, turning.rel === "next" ? 1 : -1)) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  const viewer = find();
  if (!viewer || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by && thumbs(viewer).length && step(viewer, by)) event.preventDefault();
});

document.addEventListener(
  "load",
  (event) => {
    if (!event.target.matches?.("[data-viewer-image]")) return;
    const viewer = event.target.closest("[data-viewer]");
    if (viewer && (viewer.dataset.zoom || viewer.dataset.turn)) lay(viewer);
  },
  true,
);

window.addEventListener("resize", () => {
  const viewer = find();
  if (viewer && (viewer.dataset.zoom || viewer.dataset.turn)) lay(viewer);
});

/* Keys. An element says its own: data-key="/" or data-key="g p"; its words (or data-key-label) stand in the `?` list.
   j and k walk the rows of the page (a.row-link, .timeline-list a), into folded encounters too; Enter opens the one in
   focus, as for any link. */
import { openDialog } from "./menus.js";

const ROWS = "a.row-link, .timeline-list a";
const FOLDED = "details.encounter:not([open])";
const SEQUENCE_MS = 1200;
let pending = "";
let pendingSince = 0;

const isTyping = (element) =>
  element instanceof HTMLElement &&
  (element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox]):not([type=radio])"));

const isSeen = (element) => element.getClientRects().length > 0 && !element.closest("[inert]");

function keyed(key) {
  return [...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key === key && isUsable(element));
}

/** An entry of a closed menu may be used by key; what the page hides otherwise may not. */
function isUsable(element) {
  return isSeen(element) || Boolean(element.closest("details[data-menu]:not([open])"));
}

function use(element) {
  if (element.matches("summary")) {
    element.parentElement.open = !element.parentElement.open;
    (element.parentElement.querySelector("a, button") || element).focus();
  } else if (isTyping(element)) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
}

function walk(step) {
  const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.closest(FOLDED) || isSeen(row));
  if (!rows.length) return false;
  const at = rows.findIndex((row) => row === document.activeElement);
  const current = at >= 0 ? at : rows.findIndex((row) => row.hasAttribute("aria-current"));
  const next = current < 0 ? (step > 0 ? 0 : rows.length - 1) : current + step;
  const row = rows[Math.min(rows.length - 1, Math.max(0, next))];
  const folded = row.closest(FOLDED);
  if (folded) folded.open = true;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
  return true;
}

function listKeys() {
  const list = document.querySelector("[data-key-list]");
  if (!list) return;
  const lines = [];
  for (const element of document.querySelectorAll("[data-key]")) {
    const words = element.dataset.keyLabel || element.textContent.trim().replace(/\s+/g, " ");
    if (isUsable(element) && !lines.some(([key]) => key === element.dataset.key)) lines.push([element.dataset.key, words]);
  }
  if (document.querySelector('[data-viewer] a[rel="next"][data-turns]')) lines.push(["← →", "Previous and next page"]);
  if (document.querySelector(ROWS)) lines.push(["j k", "Next and previous row"], ["Enter", "Open the row"]);
  lines.push(["?", "This list"], ["Esc", "Close, or leave a field"]);
  list.replaceChildren(
    ...lines.flatMap(([key, words]) => {
      const term = document.createElement("dt");
      const parts = key.split(" ").map((part) => Object.assign(document.createElement("kbd"), { textContent: part }));
      parts.forEach((part, index) => term.append(index ? " " : "", part));
      return [term, Object.assign(document.createElement("dd"), { textContent: words })];
    }),
  );
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && isTyping(document.activeElement) && !document.querySelector("dialog[open]")) {
    document.activeElement.blur();
    return;
  }
  // "/" in a search box that is empty and in focus already means the box, not the letter.
  if (event.key === "/" && event.target.matches?.('input[type="search"]') && !event.target.value) {
    event.preventDefault();
    return;
  }
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "?") {
    listKeys();
    if (openDialog(document.getElementById("keys-dialog"))) event.preventDefault();
    return;
  }
  const fresh = event.timeStamp - pendingSince < SEQUENCE_MS;
  const key = pending && fresh ? `${pending} ${event.key}` : event.key;
  pending = "";
  if (!key.includes(" ") && document.querySelector(`[data-key^="${CSS.escape(key)} "]`)) {
    pending = key;
    pendingSince = event.timeStamp;
    return;
  }
  const element = keyed(key);
  if (element) {
    event.preventDefault();
    use(element);
  } else if (key === "j" || key === "k") {
    if (walk(key === "j" ? 1 : -1)) event.preventDefault();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest('[data-open="keys-dialog"]')) listKeys();
});

/* A screen left alone goes blank. The clock is shared by all tabs through a time stamp in localStorage (nothing about
   a patient is ever stored). 60 s before the end a dialog asks; at the end the page is emptied, its place in the
   history is replaced by the sign-in page, and the session is ended on the server. The server keeps its own clock:
   without this file the session still ends, only the old screen stays until the next click.
   Who signs out, or makes room for somebody else, leaves no other tab to be read either: a form with data-leaves tells
   them first, so that they keep what was typed while the session still lives. */
import { collect, keep } from "./drafts.js";
import { openDialog } from "./menus.js";

const ACTIVE = "chartroom.active";
const LOCKED = "chartroom.locked";
const WARN_S = 60;
const LEAVE_MS = 300; // from telling the other tabs to the end of the session
const GONE_MS = 2000; // until they may ask for the sign-in page and not be led back
const body = document.body;
const idle = Number(body.dataset.idle || 0);
const pingEvery = Math.max(5, Math.min(60, idle / 4)) * 1000;
let last = Date.now();
let lastPing = Date.now();
let over = false;

const csrf = () => JSON.parse(body.getAttribute("hx-headers:inherited") || "{}");

const read = (key) => {
  try {
    return Number(localStorage.getItem(key) || 0);
  } catch {
    return 0;
  }
};

const write = (key, value) => {
  try {
    localStorage.setItem(key, String(value));
  } catch {
    /* Each tab then keeps its own clock. */
  }
};

/** Where to come back to. What was searched for is left out: it may be a name, and this address is on show. */
function here() {
  const address = new URL(location.href);
  address.searchParams.delete("q");
  return address.pathname + address.search;
}

function signInAddress(isIdle) {
  // `of` says whose page this was: somebody else who signs in here comes to her own home.
  const facts = { next: here(), of: body.dataset.whose, ...(isIdle ? { idle: "1" } : {}) };
  return `${body.dataset.signIn}?${new URLSearchParams(facts)}`;
}

function blank(text = "You were signed out because nobody used this screen for a while.") {
  const words = document.createElement("p");
  words.className = "empty";
  words.textContent = text;
  const main = document.createElement("main");
  main.append(words);
  body.replaceChildren(main);
  document.title = "Signed out · Chartroom";
}

/** The same in a tab that another one tells of the end. */
async function follow() {
  if (over) return;
  over = true;
  const address = signInAddress(false);
  const typed = collect(here());
  blank("You signed out in another tab.");
  history.replaceState(null, "", address);
  await keep(typed);
  setTimeout(() => location.replace(address), GONE_MS);
}

function leave(event) {
  const form = event.target;
  if (over || event.defaultPrevented || !form.matches("[data-leaves]")) return;
  event.preventDefault();
  over = true;
  write(LOCKED, Date.now());
  setTimeout(() => HTMLFormElement.prototype.submit.call(form), LEAVE_MS);
}

async function lock({ tell }) {
  if (over) return;
  over = true;
  const address = signInAddress(true);
  const { signOut } = body.dataset;
  const headers = csrf();
  const typed = tell ? collect(here()) : "";
  blank();
  history.replaceState(null, "", address);
  if (tell) {
    await keep(typed);
    write(LOCKED, Date.now());
    const reason = new URLSearchParams({ reason: "idle" });
    await fetch(signOut, { method: "POST", headers, body: reason, redirect: "manual", keepalive: true }).catch(() => null);
  }
  location.replace(address);
}

function ping() {
  lastPing = Date.now();
  fetch(body.dataset.ping, { method: "POST", headers: csrf(), redirect: "manual" })
    .then((answer) => {
      if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) lock({ tell: false });
    })
    .catch(() => null);
}

function active() {
  const now = Date.now();
  if (over || document.getElementById("idle-dialog")?.open) return;
  if (now - last > 1000) write(ACTIVE, now);
  last = now;
  if (now - lastPing > pingEvery) ping();
}

function stay() {
  last = Date.now();
  write(ACTIVE, last);
  document.getElementById("idle-dialog")?.close();
  ping();
}

function tick() {
  if (over) return;
  last = Math.max(last, Math.min(read(ACTIVE), Date.now()));
  const left = Math.ceil(idle - (Date.now() - last) / 1000);
  if (left < idle / 2) keep(collect(here())); // in good time: the server's clock may run ahead of this one
  const dialog = document.getElementById("idle-dialog");
  if (left <= 0) {
    lock({ tell: true });
  } else if (left <= Math.min(WARN_S, idle / 2)) {
    if (dialog && !dialog.open) {
      document.querySelector("dialog[open]")?.close();
      openDialog(dialog);
    }
    const words = dialog?.querySelector("[data-idle-left]");
    if (words) words.textContent = String(left);
  } else if (dialog?.open) {
    dialog.close(); // somebody is at work in another tab
  }
}

export function startIdle() {
  if (!idle) {
    write(LOCKED, 0); // the sign-in page: what follows is a new sitting
    return;
  }
  const opened = Date.now();
  write(ACTIVE, opened);
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart", "scroll"]) {
    window.addEventListener(kind, active, { passive: true, capture: true });
  }
  document.addEventListener("submit", leave);
  document.addEventListener("click", (event) => event.target.closest("[data-idle-stay]") && stay());
  document.getElementById("idle-dialog")?.addEventListener("cancel", stay);
  window.addEventListener("storage", (event) => {
    if (event.key === LOCKED && Number(event.newValue) > opened) follow();
  });
  document.addEventListener("visibilitychange", tick);
  window.addEventListener("pageshow", (event) => {
    // Brought back from the browser's memory: never show an old chart without asking the server again.
    if (event.persisted) {
      blank();
      location.reload();
    }
  });
  setInterval(tick, 1000);
}

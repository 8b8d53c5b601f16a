/* Helps to choose a password while it is typed: its length, and what is wrong with it as far as this page can tell.
   The server decides (and knows the lists of passwords that everybody tries). Nothing typed is kept or sent from here.
   Started by data-meter on the field (data-least, data-longest); data-about on its form holds what it must not be like;
   data-same-as on a second field names the first. Without a script the rule stands at the field, as ever. */

const SAY_AFTER_MS = 400; // one pause in typing, one announcement
const WORDS = ["", "", "Weak", "Fair", "Good", "Strong"];
const LONG = 16;
const VERY_LONG = 20;

/** Characters as people count them, so that an é or a flag is one. */
const lengthOf = (text) => [...text].length;

const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

/** What is about the person herself and makes up half of the password or more. */
function isAbout(password, about) {
  const typed = plain(password);
  return about
    .split(/\s+/)
    .flatMap((part) => [part, ...part.split(/[^\p{L}\p{N}]+/u)])
    .map(plain)
    .some((part) => part.length >= 3 && typed.includes(part) && part.length * 2 >= typed.length);
}

/** Each character follows the one before it in the alphabet, in the row of digits, or is the same. */
function isRow(text) {
  const codes = [...text.toLowerCase()].map((letter) => letter.codePointAt(0));
  const steps = codes.slice(1).map((code, index) => code - codes[index]);
  return steps.filter((step) => Math.abs(step) <= 1).length * 4 >= steps.length * 3;
}

/** What makes it easy to guess though it is long enough; empty when nothing seen here does. */
function weakness(password) {
  const letters = [...password.toLowerCase()];
  if (new Set(letters).size < 5) return "the same few characters again and again";
  if (isRow(password)) return "a row of the alphabet or of digits";
  const core = password.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, "");
  if (core !== password && lengthOf(core) <= 12 && /^\p{L}*$/u.test(core))
    return "one word with digits or marks around it is tried first";
  if (/^(.+?)\1+$/u.test(plain(password))) return "the same word said again";
  return "";
}

/** {level 0 to 5, words} of what is typed. */
export function judge(password, { least, longest, about }) {
  const length = lengthOf(password);
  if (!length) return { level: 0, words: "" };
  if (length < least) {
    const more = least - length;
    return { level: 1, words: `${length} of at least ${least} characters: ${more} more.` };
  }
  const counted = `${length} characters`;
  if (length > longest) return { level: 1, words: `${counted}: too long, ${longest} is the most.` };
  if (isAbout(password, about)) return { level: 2, words: `${counted}, but much like the name or address.` };
  const weak = weakness(password);
  if (weak) return { level: 2, words: `${counted}, long enough, but easy to guess: ${weak}.` };
  if (length >= VERY_LONG) return { level: 5, words: `${counted}.` };
  if (length >= LONG) return { level: 4, words: `${counted}, long enough.` };
  return { level: 3, words: `${counted}, long enough. Longer is stronger.` };
}

function tell(field) {
  const known = document.getElementById(`${field.id}_meter`);
  if (known) return known;
  const box = document.createElement("div");
  box.dataset.level = 0;
  box.id = `${field.id}_meter`;
  box.className = "password-meter";
  const bar = document.createElement("span");
  bar.className = "password-bar";
  bar.setAttribute("aria-hidden", "true");
  const words = document.createElement("p");
  words.className = "field-help";
  words.setAttribute("aria-live", "polite");
  box.append(bar, words);
  field.after(box);
  return box;
}

function show(field, level, words) {
  const box = tell(field);
  box.dataset.level = level;
  clearTimeout(box.saying);
  box.saying = setTimeout(() => {
    const text = [WORDS[level], words].filter(Boolean).join(": ");
    if (box.lastChild.textContent !== text) box.lastChild.textContent = text;
  }, SAY_AFTER_MS);
}

function measure(field) {
  const { least, longest } = field.dataset;
  const about = field.form?.dataset.about || "";
  const { level, words } = judge(field.value, { least: Number(least), longest: Number(longest), about });
  show(field, level, words);
}

function compare(field) {
  const first = field.form?.elements[field.dataset.sameAs];
  if (!first || !field.value) return show(field, 0, "");
  if (field.value === first.value) return show(field, 0, "The same as above.");
  const begins = first.value.startsWith(field.value);
  return show(field, 0, begins ? "So far the same." : "Not the same as above.");
}

function renew(field) {
  if (field.matches("[data-meter]")) measure(field);
  for (const other of field.form?.querySelectorAll("[data-same-as]") || []) compare(other);
}

export function startPassword() {
  document.addEventListener("input", (event) => {
    if (event.target.matches?.("[data-meter], [data-same-as]")) renew(event.target);
  });
  // Room for it at once, so that nothing moves while one types; and what the browser filled in before this ran.
  document.querySelectorAll("[data-meter], [data-same-as]").forEach(tell);
  for (const field of document.querySelectorAll("[data-meter]")) if (field.value) renew(field);
}

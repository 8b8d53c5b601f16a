/* The numbers in the frame: work waiting, notices not read. Asked for at most once a minute, whatever the number of
   pages opened; again at once where they have just changed (data-counts-changed on the page, or a job has ended). */

const KEY = "chartroom.counts";
const FRESH_MS = 60_000;

function show(counts) {
  for (const place of document.querySelectorAll("[data-count]")) {
    const number = counts[place.dataset.count] || 0;
    place.textContent = number ? (number > 999 ? "999+" : String(number)) : "";
    place.title = number ? `${number} ${place.dataset.countWords || "waiting"}` : "";
  }
}

function kept(address) {
  try {
    const { at, from, counts } = JSON.parse(sessionStorage.getItem(KEY));
    return from === address && Date.now() - at < FRESH_MS ? counts : null;
  } catch {
    return null;
  }
}

async function ask(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json", "X-Background": "1" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const counts = await answer.json();
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ at: Date.now(), from: address, counts }));
  } catch {
    /* Without storage the numbers are simply asked for again on the next page. */
  }
  show(counts);
}

export function startCounts() {
  const address = document.querySelector("[data-counts]")?.dataset.counts;
  if (!address || !document.querySelector("[data-count]")) return;
  const counts = document.querySelector("[data-counts-changed]") ? null : kept(address);
  if (counts) show(counts);
  else ask(address);
  document.addEventListener("job-done", () => ask(address));
}

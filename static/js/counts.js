/* The numbers in the rail: work waiting. Asked for at most once a minute, whatever the number of pages opened. */

const KEY = "chartroom.counts";
const FRESH_MS = 60_000;

function show(counts) {
  for (const place of document.querySelectorAll("[data-count]")) {
    const waiting = counts[place.dataset.count] || 0;
    place.textContent = waiting ? (waiting > 999 ? "999+" : String(waiting)) : "";
    place.title = waiting ? `${waiting} waiting` : "";
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

export async function startCounts() {
  const rail = document.querySelector("[data-counts]");
  if (!rail || !rail.querySelector("[data-count]")) return;
  const address = rail.dataset.counts;
  let counts = kept(address);
  if (!counts) {
    const answer = await fetch(address, { headers: { Accept: "application/json", "X-Background": "1" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    counts = await answer.json();
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ at: Date.now(), from: address, counts }));
    } catch {
      /* Without storage the numbers are simply asked for again on the next page. */
    }
  }
  show(counts);
}

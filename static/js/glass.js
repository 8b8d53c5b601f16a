/* Counts down what the server said is left of a broken glass. The chart closes by the server's clock all the same;
   without this file the banner keeps saying until when. */

function words(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes >= 10 ? `${minutes} min` : `${minutes}:${String(seconds % 60).padStart(2, "0")} min`;
}

export function startGlass() {
  const banner = document.querySelector("[data-glass-left]");
  if (!banner) return;
  const left = Number(banner.dataset.glassLeft);
  const started = Date.now(); // the difference counts: a wrong clock does no harm, and a sleeping machine is not fooled
  const time = banner.querySelector("[data-glass-time]");
  let timer = 0;
  function tick() {
    const seconds = Math.max(0, Math.ceil(left - (Date.now() - started) / 1000));
    time.textContent = words(seconds);
    if (seconds) return;
    clearInterval(timer);
    for (const part of banner.querySelectorAll("[data-glass-open]")) part.hidden = true;
    banner.querySelector("[data-glass-over]").hidden = false;
    banner.querySelector("[data-glass-over]").setAttribute("role", "alert");
    banner.classList.add("is-over");
  }
  timer = setInterval(tick, 1000);
  tick();
}

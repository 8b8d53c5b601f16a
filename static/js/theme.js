/* Light, dark or as the system wishes. A plain script in <head>, so the choice holds before the first paint. */
(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("chartroom.theme") || "auto";
    } catch {
      return "auto";
    }
  };
  const apply = () => {
    const choice = chosen();
    root.dataset.bsTheme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  };
  root.classList.add("js");
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    try {
      localStorage.setItem("chartroom.theme", button.dataset.themeChoice);
    } catch {
      /* Storage is closed in this browser: the system's wish goes on deciding. */
    }
    apply();
  });
})();

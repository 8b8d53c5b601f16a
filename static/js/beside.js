/* The document chosen on a chart stands beside the timeline. Where there is no room for that (a phone, a page at 200 %)
   it stands below a long list: then it comes into sight. The focus stays on the row, so j and k go on from there. */
let isAsked = false;

document.addEventListener("click", (event) => {
  if (event.target.closest?.(".timeline-list a")) isAsked = true;
});

document.addEventListener("htmx:after:swap", () => {
  const chosen = isAsked && document.getElementById("chart-document");
  isAsked = false;
  if (chosen && chosen.getBoundingClientRect().top > window.innerHeight / 2) chosen.scrollIntoView({ block: "start" });
});

/* A part that htmx asked for and did not get: the old part stays (base.html tells htmx to swap no error page in), and
   one line above the page says so until the next answer comes. 422 is a form with its errors and is shown as usual. */

const ID = "part-trouble";

function words(status) {
  if (status === 401) return "You are signed out. Sign in again to go on.";
  if (status === 403) return "This part is closed to you. The attempt is in the access log.";
  if (status === 404) return "This part is not there any more. Reload the page to see what is.";
  if (status === 409) return "Somebody changed this meanwhile. Reload the page; nothing of yours was saved.";
  return "The server did not answer, so what you see may be out of date. Nothing was lost; try again in a moment.";
}

function show(text) {
  const main = document.getElementById("main");
  if (!main || document.getElementById(ID)?.textContent === text) return;
  document.getElementById(ID)?.remove();
  const notice = document.createElement("div");
  notice.id = ID;
  notice.className = "notice notice-bad";
  notice.setAttribute("role", "alert");
  notice.append(Object.assign(document.createElement("p"), { textContent: text }));
  main.prepend(notice);
}

document.addEventListener("htmx:response:error", (event) => {
  const status = event.detail.ctx?.response?.status;
  if (status !== 422) show(words(status));
});
document.addEventListener("htmx:error", () => show(words(0)));
document.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx?.response?.status < 400) document.getElementById(ID)?.remove();
});

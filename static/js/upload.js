/* <form data-upload> with a file input: files may be dropped anywhere on the page, and sending shows how far it is.
   Without this file the same form is sent by its button. The answer is shown as the browser would show it: after a
   redirect the new page, after a refusal the form with its errors. */

import { startGone } from "./gone.js";
import { wake } from "./forms.js";

let hasMoved = false; // an answer with an address of its own stands where the form was

const formOnPage = () => document.querySelector("form[data-upload]");
const inputOf = (form) => form.querySelector('input[type="file"]');
const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");

const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function chosen(form) {
  const place = form.querySelector("[data-upload-chosen]");
  if (!place) return;
  const files = [...inputOf(form).files];
  place.textContent = files.map((file) => `${file.name} (${size(file.size)})`).join(", ");
}

function mark(on) {
  formOnPage()?.querySelector(".drop")?.classList.toggle("is-over", on);
}

function progress(form) {
  let state = form.querySelector(".upload-state");
  if (!state) {
    state = document.createElement("div");
    state.className = "upload-state";
    state.setAttribute("role", "status");
    state.append(document.createElement("progress"), document.createElement("span"));
    (form.querySelector(".drop") || form).append(state);
  }
  const [bar, words] = state.children;
  bar.setAttribute("aria-label", "Sending the file");
  return (sent, total) => {
    bar.max = total;
    bar.value = sent;
    words.textContent = sent < total ? `Sending ${size(sent)} of ${size(total)}` : "Sent. Checking and storing it";
  };
}

function failed(form, text) {
  wake(form);
  form.querySelector(".upload-state")?.remove();
  let place = form.querySelector("[data-upload-error]");
  if (!place) {
    place = document.createElement("p");
    place.className = "field-error";
    place.dataset.uploadError = "";
    place.setAttribute("role", "alert");
    form.prepend(place);
  }
  place.textContent = text;
}

/** Put the answer in place of this page without fetching it twice: a second look would be a second line in the log. */
function showAnswer(request) {
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  const stage = page.querySelector(".stage");
  if (!stage) {
    location.assign(request.responseURL);
    return;
  }
  document.querySelector(".stage").replaceWith(document.adoptNode(stage));
  document.title = page.title;
  if (request.responseURL !== location.href) {
    history.pushState({ htmx: true }, "", request.responseURL);
    hasMoved = true;
  }
  startGone();
  window.htmx?.process(document.querySelector(".stage"));
  window.scrollTo(0, 0);
  (document.querySelector("[data-error-summary]") || document.getElementById("main")).focus();
}

function send(form, submitter) {
  const request = new XMLHttpRequest();
  const report = progress(form);
  const fields = new FormData(form, submitter);
  request.upload.addEventListener("progress", (event) => event.lengthComputable && report(event.loaded, event.total));
  request.addEventListener("load", () => {
    const type = request.getResponseHeader("Content-Type") || "";
    if (type.startsWith("text/html") && request.status < 500) showAnswer(request);
    else failed(form, "The server could not take the file. It was not filed. Please try again.");
  });
  request.addEventListener("error", () => failed(form, "The connection broke off. The file was not filed. Please send it again."));
  request.open("POST", form.action);
  request.send(fields);
}

export function startUpload() {
  window.addEventListener("popstate", (event) => {
    // Back to the form: the browser changes the address alone, so the page must be asked for.
    if (hasMoved && !event.state?.htmx) location.reload();
  });
  window.addEventListener("dragover", (event) => {
    if (!formOnPage() || !hasFiles(event)) return;
    event.preventDefault();
    mark(true);
  });
  window.addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
  window.addEventListener("drop", (event) => {
    const form = formOnPage();
    if (!form || !hasFiles(event)) return;
    event.preventDefault();
    mark(false);
    inputOf(form).files = event.dataTransfer.files;
    inputOf(form).dispatchEvent(new Event("change", { bubbles: true }));
    if ("uploadNow" in form.dataset) form.requestSubmit(); // the answer asks for the rest
    else inputOf(form).focus();
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form[data-upload]");
    if (form && event.target === inputOf(form)) chosen(form);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches("form[data-upload]") || !inputOf(form)?.files.length) return;
    event.preventDefault();
    send(form, event.submitter);
  });
}

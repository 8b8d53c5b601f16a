/* A form that posts is sent once: its buttons rest until the answer, and wake when the page comes back.
   A form with data-download answers with a file, so its page stays and its buttons do not rest.
   On a page that came back with errors, the summary takes the focus. */

const resting = new Set();

function wake(form) {
  for (const button of form.querySelectorAll("button[data-resting]")) {
    button.disabled = false;
    delete button.dataset.resting;
  }
  delete form.dataset.sent;
  resting.delete(form);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== "post" || form.hasAttribute("data-download")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (event.defaultPrevented) return;
  form.dataset.sent = "1";
  resting.add(form);
  // After the browser has collected the fields: a disabled button would leave its name out.
  setTimeout(() => {
    if (!form.dataset.sent) return;
    for (const button of form.querySelectorAll("button:not([type=button]):enabled")) {
      button.disabled = true;
      button.dataset.resting = "1";
    }
  });
});

export { wake };

window.addEventListener("pageshow", () => [...resting].forEach(wake));
document.addEventListener("htmx:finally:request", () => [...resting].forEach(wake));

document.querySelector("[data-error-summary]")?.focus();

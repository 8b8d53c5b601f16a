/* What somebody had typed and not sent is kept on the server, sealed, when her screen goes blank, and offered after she
   has signed in again. Nothing of it ever lies in the browser's storage. Passwords, codes, files and the search box are
   left out. */
const { body } = document;
const LEFT_OUT = "[type=password], [type=hidden], [type=file], [type=search], [autocomplete=one-time-code]";
let kept = "";

const headers = () => ({
  ...JSON.parse(body.getAttribute("hx-headers:inherited") || "{}"),
  "Content-Type": "application/json",
  "X-Background": "1", // it does not keep the session alive
});

const forms = () => [...document.querySelectorAll("form")].filter((form) => form.method === "post" && !form.closest("[data-draft]"));

const fieldsOf = (form) => [...form.elements].filter((field) => field.name && !field.matches(`${LEFT_OUT}, button, fieldset, output`));

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.options) return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.value !== field.defaultValue;
}

const said = (field) => {
  if (field.type === "checkbox" || field.type === "radio") return [field.name, field.value, field.checked];
  if (field.options) return [field.name, [...field.selectedOptions].map((option) => option.value)];
  return [field.name, field.value];
};

function typed() {
  return forms()
    .map((form) => ({ action: form.getAttribute("action") || "", fields: fieldsOf(form).filter(isChanged).map(said) }))
    .filter((form) => form.fields.length);
}

/** What is to be kept, as text; nothing when nothing was typed since the last time. Collected before the page is emptied. */
export function collect(path) {
  const found = typed();
  const text = found.length ? JSON.stringify({ path, forms: found }) : "";
  return text === kept ? "" : text;
}

export async function keep(text) {
  if (!text) return;
  kept = text;
  await fetch(body.dataset.drafts, {
    method: "POST",
    headers: headers(),
    body: text,
    redirect: "manual",
    keepalive: text.length < 60_000, // more than that a browser does not send from a page that goes
  }).catch(() => null);
}

function put(form, [name, value, isOn]) {
  for (const field of fieldsOf(form).filter((one) => one.name === name)) {
    if (field.type === "checkbox" || field.type === "radio") {
      if (field.value === value) field.checked = isOn;
    } else if (field.options) {
      for (const option of field.options) option.selected = value.includes(option.value);
    } else {
      field.value = value;
    }
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-draft-take]");
  if (!button) return;
  button.disabled = true;
  const answer = await fetch(button.dataset.draftTake, { method: "POST", headers: headers() }).catch(() => null);
  const notice = button.closest("[data-draft]");
  if (!answer?.ok) {
    notice.querySelector("p").textContent = "What you had typed is no longer there.";
    return;
  }
  const given = await answer.json();
  for (const { action, fields } of given.forms) {
    const form = forms().find((one) => (one.getAttribute("action") || "") === action);
    if (form) fields.forEach((field) => put(form, field));
  }
  notice.remove();
  forms().flatMap(fieldsOf).find(isChanged)?.focus();
});

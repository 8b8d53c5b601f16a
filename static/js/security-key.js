/* Security keys (WebAuthn). A form with data-webauthn holds in data-webauthn-options what the server asks; its button with
   data-webauthn-use asks the key, puts the answer into the field `credential` and sends the form. What the key says stays
   between the browser, the key and the server. */
const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const withId = (item) => ({ ...item, id: bytes(item.id) });

async function ask(kind, { publicKey }) {
  const options = { ...publicKey, challenge: bytes(publicKey.challenge) };
  if (kind === "create") {
    options.user = withId(publicKey.user);
    options.excludeCredentials = (publicKey.excludeCredentials || []).map(withId);
    return navigator.credentials.create({ publicKey: options });
  }
  options.allowCredentials = (publicKey.allowCredentials || []).map(withId);
  return navigator.credentials.get({ publicKey: options });
}

function plain(credential) {
  const answer = credential.response;
  const response = { clientDataJSON: text(answer.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (answer[name]) response[name] = text(answer[name]);
  }
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

/** Why it did not work, for a person. */
function trouble(error) {
  if (!window.isSecureContext || !window.PublicKeyCredential) {
    return "This browser uses security keys only over https. Ask the administrator, or take another second factor.";
  }
  if (error.name === "SecurityError") {
    return "Security keys need a name in the address bar, not a number such as 127.0.0.1. Open Chartroom by its name.";
  }
  if (error.name === "InvalidStateError") return "This key is added already.";
  return "The key did not answer in time, or you stopped it. Try again.";
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-webauthn-use]");
  const form = button?.closest("form[data-webauthn]");
  if (!form) return;
  const words = form.querySelector("[data-webauthn-trouble]");
  if (!form.reportValidity()) return;
  button.disabled = true;
  words.hidden = true;
  try {
    const answer = await ask(form.dataset.webauthn, JSON.parse(form.dataset.webauthnOptions));
    form.elements.credential.value = JSON.stringify(plain(answer));
    form.requestSubmit();
  } catch (error) {
    words.textContent = trouble(error);
    words.hidden = false;
  } finally {
    button.disabled = false;
  }
});

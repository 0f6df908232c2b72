// Forms that need a passkey: shown where the browser knows passkeys, filled in with what the passkey answers.
"use strict";

const raw = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// The options and answers as JSON (WebAuthn 3, section 5.1): browsers of before 2024 need them turned by hand.
const described = (keys) => (keys ?? []).map((key) => ({ ...key, id: raw(key.id) }));
const creation = (json) => ({
  ...json, challenge: raw(json.challenge), user: { ...json.user, id: raw(json.user.id) },
  excludeCredentials: described(json.excludeCredentials),
});
const request = (json) => ({ ...json, challenge: raw(json.challenge), allowCredentials: described(json.allowCredentials) });
const answer = (credential) => {
  const given = credential.response;
  const response = { clientDataJSON: text(given.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (given[name]) response[name] = text(given[name]);
  }
  if (given.getTransports) response.transports = given.getTransports();
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, clientExtensionResults: {}, response };
};

const ask = async (form) => {
  const headers = { "X-CSRFToken": form.elements.csrf_token.value, Accept: "application/json" };
  const found = await fetch(form.dataset.options, { method: "POST", headers });
  // A page in place of the options: the server wants something else first, such as a fresh proof.
  if (found.redirected) { location.assign(found.url); return null; }
  if (!found.ok) throw new Error("The shop cannot be reached right now, or this took too long. Reload the page.");
  const options = await found.json();
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey: creation(options) })
    : navigator.credentials.get({ publicKey: request(options) });
};

if (window.PublicKeyCredential && navigator.credentials) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const error = form.querySelector("[data-passkey-error]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (form.dataset.busy) return;
      form.dataset.busy = "yes";
      error.hidden = true;
      try {
        const credential = await ask(form);
        if (!credential) return;
        form.elements.credential.value = JSON.stringify(answer(credential));
        form.submit();
      } catch (problem) {
        const known = { NotAllowedError: "Nothing was chosen, or it took too long. Try again.", InvalidStateError: "This device has a passkey for your account already." };
        error.textContent = known[problem.name] ?? problem.message;
        error.hidden = false;
      } finally {
        delete form.dataset.busy;
      }
    });
  }
}

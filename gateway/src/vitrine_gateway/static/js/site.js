// What every page gets better with: missing pictures, double submits, focus on errors, dialogs, coming back by itself.
"use strict";

// A picture that cannot be had gives way to the placeholder behind it; one that came covers it, transparent or not.
// These events do not bubble, so they are caught on the way down.
const settle = (img) => img.classList.add(img.naturalWidth ? "is-there" : "is-missing");
for (const name of ["error", "load"]) document.addEventListener(name, (event) => { if (event.target instanceof HTMLImageElement) settle(event.target); }, true);
for (const img of document.images) if (img.complete && img.src) settle(img);

// A form that was sent is not sent again while its answer is on the way.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-once")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
});
// Coming back by the history shows the page as it was left: its forms can be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
});

document.querySelector("[data-focus]")?.focus();

// A link to a question opens it as a dialog on this page; without this script it is a page of its own.
document.addEventListener("click", async (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-dialog]") : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || typeof HTMLDialogElement === "undefined") return;
  event.preventDefault();
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const content = page.querySelector("[data-dialog-content]");
    if (!answer.ok || !content) throw new Error("no question there");
    const dialog = document.createElement("dialog");
    dialog.append(document.importNode(content, true));
    dialog.setAttribute("aria-label", content.querySelector("h1")?.textContent ?? "Question");
    dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
    dialog.addEventListener("click", (inner) => {
      if (inner.target === dialog || inner.target.closest("[data-dialog-close]")) { inner.preventDefault(); dialog.close(); }
    });
    document.body.append(dialog);
    dialog.showModal();
  } catch {
    location.assign(link.href);
  }
});

// A page that said a service is away looks every few seconds whether it is back, and only then reloads.
if (document.querySelector("[data-comes-back]")) {
  let wait = 3000;
  const look = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.status < 500) { location.reload(); return; }
    } catch { /* offline: the next look tells */ }
    wait = Math.min(wait * 1.5, 20000);
    setTimeout(look, wait);
  };
  setTimeout(look, wait);
}

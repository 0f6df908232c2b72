// The studio with a script: live progress, more lines in the variant table, a warning before work is lost.
"use strict";

for (const form of document.querySelectorAll("[data-filters]")) {
  form.addEventListener("change", (event) => { if (event.target.matches("select")) form.requestSubmit(); });
  form.addEventListener("formdata", (event) => { for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name); });
}

// While an import runs, its page is asked for again and the part that changes is exchanged.
const live = () => document.querySelector("[data-live]");
if (live()?.dataset.live === "running") {
  let misses = 0;
  const follow = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { cache: "no-store" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("[data-live]");
        if (!answer.ok || !fresh) throw new Error(`answered ${answer.status}`);
        misses = 0;
        // A button that is being used stays; everything else shows the news.
        if (!live().contains(document.activeElement) || fresh.dataset.live !== "running") live().replaceWith(document.importNode(fresh, true));
        else for (const part of [".progress__words", "progress"]) {
          const [old, now] = [live().querySelector(part), fresh.querySelector(part)];
          if (old && now) old.replaceWith(document.importNode(now, true));
        }
        if (fresh.dataset.live !== "running") return;
      } catch {
        misses += 1;
      }
    }
    setTimeout(follow, Math.min(1000 * 1.6 ** misses, 15000));
  };
  setTimeout(follow, 700);
}

// More lines for the variant table: a copy of the last, emptied, with the next number in its names.
const table = document.querySelector("[data-variants]");
if (table) {
  const body = table.querySelector("tbody");
  table.querySelector("[data-add-row]")?.addEventListener("click", () => {
    const rows = body.querySelectorAll("[data-row]");
    const last = rows[rows.length - 1];
    const copy = last.cloneNode(true);
    const next = Math.max(...[...body.querySelectorAll("[name^='variants-']")].map((input) => Number(input.name.split("-")[1]))) + 1;
    copy.classList.add("is-new");
    for (const input of copy.querySelectorAll("input")) {
      input.name = input.name.replace(/^variants-\d+-/, `variants-${next}-`);
      input.id = input.name;
      input.removeAttribute("aria-invalid");
      if (input.type === "checkbox") { if (input.name.endsWith("-remove")) input.remove(); }
      else if (input.type === "hidden" || !/-(option\d|price)$/.test(input.name)) input.value = "";
    }
    for (const error of copy.querySelectorAll(".field__error")) error.remove();
    body.append(copy);
    copy.querySelector("input:not([type=hidden])").focus();
  });
  body.addEventListener("change", (event) => {
    if (event.target.name?.endsWith("-remove")) event.target.closest("tr").classList.toggle("is-removed", event.target.checked);
  });
  // A column whose option has neither a name nor a value is out of the way until it gets a name.
  const columns = () => {
    for (const number of [1, 2, 3]) {
      const name = document.getElementById(`option${number}_name`);
      const head = table.querySelector(`[data-option="${number}"]`);
      const cells = [...body.querySelectorAll(`[name$="-option${number}"]`)];
      const used = name.value || cells.some((input) => input.value);
      head.textContent = name.value || `Option ${number}`;
      for (const cell of [head, ...cells.map((input) => input.closest("td"))]) cell.classList.toggle("is-unused", !used);
    }
  };
  for (const number of [1, 2, 3]) document.getElementById(`option${number}_name`)?.addEventListener("input", columns);
  columns();
}

// Work that was not saved is not lost without a question.
for (const form of document.querySelectorAll("[data-unsaved]")) {
  let changed = false;
  form.addEventListener("input", () => { changed = true; });
  form.addEventListener("submit", () => { changed = false; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
}

// A file can be dropped onto its field's whole frame.
for (const drop of document.querySelectorAll("[data-drop]")) {
  const input = drop.querySelector("input[type=file]");
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("is-over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); if (event.dataTransfer.files.length) input.files = event.dataTransfer.files; });
}

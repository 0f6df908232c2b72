// Solves the puzzle of a form in a worker, so that the form need not wait; without this script one waits instead.
"use strict";

for (const box of document.querySelectorAll("[data-challenge]")) {
  const form = box.closest("form");
  const words = box.querySelector("[data-challenge-words]");
  const button = form?.querySelector("button[type=submit]");
  if (!form || !words || typeof Worker === "undefined") continue;
  const advice = words.innerHTML;
  const puzzle = JSON.parse(box.dataset.challenge);
  const give = () => { words.innerHTML = advice; button.disabled = false; };
  let worker;
  try { worker = new Worker(box.dataset.worker); } catch { continue; }
  words.textContent = "Many tries fail just now. Your browser does a little work to show that this one is yours; fill in the form meanwhile.";
  button.disabled = true;
  worker.addEventListener("message", (event) => {
    worker.terminate();
    if (event.data.number === null) { give(); return; }
    const { algorithm, challenge, salt, signature } = puzzle;
    form.elements.solution.value = btoa(JSON.stringify({ algorithm, challenge, number: event.data.number, salt, signature }));
    words.textContent = "The work is done. Fill in the form and send it.";
    button.disabled = false;
  });
  worker.addEventListener("error", () => { worker.terminate(); give(); });
  worker.postMessage(puzzle);
}

// The storefront with a script: filters that apply at once, more products on the same page, the gallery, and choices.
"use strict";

for (const form of document.querySelectorAll("[data-filters]")) {
  form.addEventListener("change", (event) => { if (event.target.matches("select, input[type=checkbox]")) form.requestSubmit(); });
  // Empty fields stay out of the address.
  form.addEventListener("formdata", (event) => { for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name); });
}

// "Show more" appends the next page's products to the ones shown.
document.addEventListener("click", async (event) => {
  const link = event.target instanceof Element ? event.target.closest("[data-more-link]") : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.getAttribute("aria-disabled")) return;
  link.setAttribute("aria-disabled", "true");
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const cards = [...page.querySelectorAll("[data-grid] > li")].map((card) => document.importNode(card, true));
    document.querySelector("[data-grid]").append(...cards);
    cards[0]?.querySelector("a")?.focus({ preventScroll: true });
    const next = page.querySelector("[data-more-link]");
    if (next) { link.href = next.href; link.removeAttribute("aria-disabled"); } else link.remove();
  } catch {
    location.assign(link.href);
  }
});

const gallery = document.querySelector("[data-gallery]");
const stage = gallery?.querySelector(".gallery__stage");
const thumbs = [...(gallery?.querySelectorAll(".gallery__thumbs a") ?? [])];
const slides = [...(stage?.children ?? [])];
const showSlide = (index) => { if (slides[index]) stage.scrollTo({ left: slides[index].offsetLeft - stage.offsetLeft }); };
thumbs.forEach((thumb, index) => thumb.addEventListener("click", (event) => { event.preventDefault(); showSlide(index); }));
if (stage && thumbs.length) {
  const watch = new IntersectionObserver((seen) => {
    for (const entry of seen) if (entry.isIntersecting) {
      const index = slides.indexOf(entry.target);
      thumbs.forEach((thumb, at) => { if (at === index) thumb.setAttribute("aria-current", "true"); else thumb.removeAttribute("aria-current"); });
    }
  }, { root: stage, threshold: 0.6 });
  slides.forEach((slide) => watch.observe(slide));
}

// Choosing a size or a colour changes price, stock, article and picture in place, and the address with it.
const choices = document.querySelector("[data-choices]");
const data = document.getElementById("variants");
if (choices && data) {
  const variants = JSON.parse(data.textContent);
  const sets = [...choices.querySelectorAll("fieldset")];
  const chosen = () => sets.map((set) => set.querySelector("input:checked")?.value ?? "");
  const agreeing = (variant, values) => variant.values.filter((value, at) => value === values[at]).length;
  const text = (selector, value) => { const place = document.querySelector(selector); if (place) place.textContent = value; };
  const mark = () => {
    const values = chosen();
    sets.forEach((set, at) => {
      for (const input of set.querySelectorAll("input")) {
        const reachable = variants.some((v) => v.available && v.values[at] === input.value && values.every((value, other) => other === at || v.values[other] === value));
        input.closest(".pick").classList.toggle("is-out", !reachable);
      }
    });
  };
  const show = (variant) => {
    sets.forEach((set, at) => {
      for (const input of set.querySelectorAll("input")) input.checked = input.value === variant.values[at];
      set.querySelector("[data-chosen]").textContent = variant.values[at];
    });
    if (variant.price) text("[data-price]", variant.price);
    text("[data-before-text]", variant.before);
    document.querySelector("[data-before]").hidden = !variant.before;
    text("[data-stock]", variant.availability);
    document.querySelector("[data-stock]")?.classList.toggle("stock--out", !variant.available);
    text("[data-sku]", variant.sku);
    const row = document.querySelector("[data-sku-row]");
    if (row) row.hidden = !variant.sku;
    const slide = variant.picture ? slides.findIndex((entry) => entry.dataset.picture === variant.picture) : -1;
    if (slide >= 0) showSlide(slide);
    const address = new URL(location.href);
    address.search = new URLSearchParams({ variant: variant.id }).toString();
    history.replaceState(null, "", address);
    mark();
  };
  choices.addEventListener("change", (event) => {
    const values = chosen();
    const changed = sets.findIndex((set) => set.contains(event.target));
    // What was just chosen holds; the other choices give way where there is no such variant.
    const possible = variants.filter((variant) => variant.values[changed] === values[changed]);
    const best = possible.reduce((a, b) => {
      const [x, y] = [agreeing(a, values), agreeing(b, values)];
      return y > x || (y === x && b.available && !a.available) ? b : a;
    }, possible[0]);
    if (best) show(best);
  });
  mark();
}

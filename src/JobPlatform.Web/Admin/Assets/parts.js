// Renews the parts of a page: the server renders the page again, and the parts in it take the place of those here.

/** Asks for a page, as a document; null when the answer is none. */
export async function load(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { Accept: "text/html", ...options.headers } });
  if (!(answer.headers.get("Content-Type") ?? "").startsWith("text/html")) return null;
  return { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
}

/** Takes over the parts of another rendering of this page; what is focused, open or ticked stays so. */
export function renew(page, parts = "[data-part]") {
  for (const fresh of page.querySelectorAll(parts)) {
    const old = document.getElementById(fresh.id);
    if (old && old.innerHTML !== fresh.innerHTML) replace(old, fresh);
  }
  document.dispatchEvent(new CustomEvent("renewed"));
}

function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? place(old, document.activeElement) : -1;
  const selected = [...old.querySelectorAll("[data-row]")].findIndex(row => row.classList.contains("selected"));
  const lead = selected < 0 ? null : old.querySelectorAll("[data-row]")[selected].querySelector("a")?.getAttribute("href");
  const ticked = new Set([...old.querySelectorAll("input:checked")].map(box => box.value));
  const open = [...old.querySelectorAll("details")].map(details => details.open);

  fresh = document.importNode(fresh, true);
  for (const box of fresh.querySelectorAll("input[type=checkbox]")) box.checked = ticked.has(box.value);
  fresh.querySelectorAll("details").forEach((details, at) => { if (at in open) details.open = open[at]; });
  if (lead) [...fresh.querySelectorAll("[data-row]")].find(row => row.querySelector("a")?.getAttribute("href") === lead)?.classList.add("selected");
  old.replaceWith(fresh);
  if (focused >= 0) focusable(fresh)[focused]?.focus({ preventScroll: true });
}

const focusable = part => [...part.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]")];
const place = (part, element) => focusable(part).indexOf(element);

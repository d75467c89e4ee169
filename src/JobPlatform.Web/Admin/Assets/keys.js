// The keyboard: the list is in Layout/Keys.razor.
const dialog = document.getElementById("keys");
let going = false;

const rows = () => [...document.querySelectorAll("[data-row]")];
const selected = () => document.querySelector("[data-row].selected");
const press = name => document.querySelector(`[data-press="${name}"]`)?.click();

function move(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.indexOf(selected());
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
  selected()?.classList.remove("selected");
  next.classList.add("selected");
  const link = next.querySelector("a.lead, a");
  link?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

const keys = {
  "?": () => dialog.showModal(),
  "/": () => document.getElementById("q")?.focus(),
  "j": () => move(1),
  "k": () => move(-1),
  "x": () => selected()?.querySelector("input[type=checkbox]")?.click(),
  "e": () => act("e"),
  "n": () => act("n"),
  "c": () => press("new"),
  "]": () => press("next"),
  "p": () => document.getElementById("live")?.click(),
  "t": () => document.getElementById("theme")?.click(),
};

// Of the selected row, or, on the page of one job, of that.
function act(key) {
  const place = selected() ?? (rows().some(row => row.querySelector(`[data-key="${key}"]`)) ? null : document);
  place?.querySelector(`[data-key="${key}"]`)?.click();
}

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (field) {
    if (event.key === "Escape" && !event.defaultPrevented) field.blur();
    return;
  }
  if (dialog?.open) return;
  if (going) {
    going = false;
    document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
    event.preventDefault();
  } else if (event.key === "g") {
    going = true;
  } else if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

document.getElementById("show-keys")?.addEventListener("click", () => dialog.showModal());

// All at once, and how many.
function count() {
  const label = document.getElementById("chosen");
  const boxes = [...document.querySelectorAll(".pick input")];
  const all = document.getElementById("all");
  if (!label || !all) return;
  const ticked = boxes.filter(box => box.checked).length;
  all.hidden = boxes.length === 0;
  all.checked = ticked > 0 && ticked === boxes.length;
  all.indeterminate = ticked > 0 && ticked < boxes.length;
  label.textContent = ticked === 0 ? "Select all" : ticked === 1 ? "1 job" : `${ticked} jobs`;
}
document.addEventListener("change", event => {
  if (event.target.id === "all") for (const box of document.querySelectorAll(".pick input")) box.checked = event.target.checked;
  count();
});
document.addEventListener("renewed", count);
count();

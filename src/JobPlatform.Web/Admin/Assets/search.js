// Suggestions for the filters of a search: keys first, then the values of the key that is being typed.
const field = document.getElementById("q");

if (field?.dataset.suggest) {
  const known = JSON.parse(field.dataset.suggest);
  const list = document.createElement("ul");
  let asked = 0;
  list.id = "suggestions";
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  list.hidden = true;
  field.after(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) field.setAttribute(name, value);

  const word = () => field.value.slice(0, field.selectionStart).match(/\S*$/)[0];

  async function find() {
    const typed = word();
    const [key, value] = typed.includes(":") ? typed.split(/:(.*)/s) : [null, typed];
    if (key === null) return Object.keys(known).filter(name => name.startsWith(value) && !field.value.includes(`${name}:`)).map(name => `${name}:`);
    const values = key === "job" ? await findJobs(value) : known[key] ?? [];
    return values.filter(one => one.startsWith(value) && one !== value).slice(0, 12).map(one => `${key}:${one}`);
  }

  async function findJobs(value) {
    const answer = await fetch(`/api/jobs?limit=12${value ? `&search=${encodeURIComponent(value)}` : ""}`);
    return answer.ok ? (await answer.json()).items.map(job => job.name) : [];
  }

  async function suggest() {
    const ask = ++asked;
    const found = await find();
    if (ask !== asked || document.activeElement !== field) return;
    list.replaceChildren(...found.map((text, at) => {
      const item = document.createElement("li");
      item.id = `suggestion-${at}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.textContent = text;
      item.addEventListener("mousedown", event => { event.preventDefault(); take(text); });
      return item;
    }));
    toggle(found.length > 0);
  }

  function toggle(shown) {
    list.hidden = !shown;
    field.setAttribute("aria-expanded", String(shown));
    if (!shown) field.removeAttribute("aria-activedescendant");
  }

  function take(text) {
    const end = field.selectionStart;
    const start = end - word().length;
    const more = text.endsWith(":") ? "" : " ";
    field.value = field.value.slice(0, start) + text + more + field.value.slice(end).trimStart();
    field.setSelectionRange(start + text.length + more.length, start + text.length + more.length);
    suggest();
  }

  function choose(step) {
    const items = [...list.children];
    const at = items.findIndex(item => item.getAttribute("aria-selected") === "true");
    const next = (at + step + items.length + (at < 0 && step < 0 ? 1 : 0)) % items.length;
    items.forEach((item, place) => item.setAttribute("aria-selected", String(place === next)));
    field.setAttribute("aria-activedescendant", items[next].id);
  }

  field.addEventListener("input", suggest);
  field.addEventListener("focus", suggest);
  field.addEventListener("blur", () => toggle(false));
  field.addEventListener("keydown", event => {
    if (list.hidden) return;
    const chosen = list.querySelector("[aria-selected=true]");
    if (event.key === "ArrowDown") choose(1);
    else if (event.key === "ArrowUp") choose(-1);
    else if ((event.key === "Enter" && chosen) || (event.key === "Tab" && chosen)) take(chosen.textContent);
    else if (event.key === "Escape") toggle(false);
    else return;
    event.preventDefault();
  });
}

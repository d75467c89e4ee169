// While a definition is typed, the server says what it would mean.
import { load, renew } from "./parts.js";

const form = document.getElementById("job");

if (form?.dataset.draft) {
  let timer = 0;
  let asked = 0;
  const check = async () => {
    const ask = ++asked;
    const loaded = await load(form.dataset.draft, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    if (loaded?.answer.ok && ask === asked) renew(loaded.page, "#preview");
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, 400);
  });
}

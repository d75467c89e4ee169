// Pages that show what goes on are rendered again every few seconds, unless paused or out of sight.
import { load, renew } from "./parts.js";

const main = document.getElementById("page");
const button = document.getElementById("live");
const seconds = Number(main?.dataset.live ?? 0);
let paused = sessionStorage.getItem("paused") === "yes";

function show() {
  button.setAttribute("aria-pressed", String(!paused));
  button.querySelector("span").textContent = paused ? "Paused" : "Live";
}

async function look() {
  try {
    if (paused || document.hidden || document.querySelector("dialog[open]")) return;
    const loaded = await load(location.href);
    // Signed out, or the server is going down: what is here stays, and says that it is old.
    if (!loaded || !loaded.answer.ok || loaded.answer.redirected) throw new Error("no page");
    if (!paused) renew(loaded.page);
    main.removeAttribute("data-stale");
    show();
  } catch {
    main.dataset.stale = "";
    button.querySelector("span").textContent = "No answer";
  } finally {
    setTimeout(look, seconds * 1000);
  }
}

if (button && seconds > 0) {
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    paused = !paused;
    sessionStorage.setItem("paused", paused ? "yes" : "no");
    show();
  });
  setTimeout(look, seconds * 1000);
}

// An action on a row of a list comes back to the same list: only its parts change.
document.addEventListener("submit", async event => {
  const form = event.target;
  if (!form.matches("form[data-quiet]")) return;
  event.preventDefault();
  const pressed = form.querySelector("button");
  pressed.disabled = true;
  let loaded = null;
  try {
    loaded = await load(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  } catch {
    const text = document.createElement("p");
    text.className = "note fault";
    text.textContent = "The server did not answer, so that it is not known whether it was done. Load the page again.";
    document.getElementById("note").replaceChildren(text);
  } finally {
    pressed.disabled = false;
  }
  if (loaded?.answer.redirected && new URL(loaded.answer.url).pathname === location.pathname) renew(loaded.page, "[data-part], #note");
  else if (loaded) show_page(loaded.page);
});

// Another page came back, such as a refusal that says why: it is shown as a whole.
function show_page(page) {
  document.title = page.title;
  document.body.replaceWith(document.importNode(page.body, true));
}

// Everything works without scripts; these save reloads and clicks.
import "./live.js";
import "./keys.js";
import "./search.js";
import "./run.js";
import "./draft.js";

document.getElementById("theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});

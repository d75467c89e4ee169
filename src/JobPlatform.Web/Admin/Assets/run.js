// A run as it happens: its lines, and its state each time it changes.
import { load, renew } from "./parts.js";

const log = document.getElementById("log");
const id = document.getElementById("run")?.dataset.run;

if (log?.dataset.follow && id) {
  const state = document.getElementById("log-state");
  let last = Number(log.dataset.last);
  let busy = false;
  let again = false;

  const refresh = async () => {
    if (busy) return void (again = true);
    busy = true;
    do {
      again = false;
      const loaded = await load(location.href).catch(() => null);
      if (loaded?.answer.ok) renew(loaded.page);
    } while (again);
    busy = false;
  };

  const write_line = event => {
    const line = JSON.parse(event.data);
    if (line.id <= last) return;
    last = line.id;
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(write(line));
    document.getElementById("no-lines").hidden = true;
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };

  const follow = () => {
    const events = new EventSource(`/api/runs/${id}/events?after=${last}`);
    events.addEventListener("line", write_line);
    events.addEventListener("run", refresh);
    events.addEventListener("end", () => {
      events.close();
      state.textContent = "";
      refresh();
    });
    events.addEventListener("error", () => {
      state.textContent = "the connection is lost; trying again";
      // After a refusal, as of one watcher too many, the browser itself does not try again.
      if (events.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
    });
    events.addEventListener("open", () => { state.textContent = "new lines arrive by themselves"; });
  };
  follow();
  log.scrollTop = log.scrollHeight;
}

function write(line) {
  const item = document.createElement("li");
  item.className = `is-${line.level}`;
  const time = document.createElement("time");
  time.dateTime = line.at;
  time.textContent = new Date(line.at).toISOString().slice(11, 23);
  const level = document.createElement("b");
  level.textContent = line.level;
  const text = document.createElement("span");
  text.textContent = line.message;
  item.append(time, " ", level, " ", text);
  return item;
}

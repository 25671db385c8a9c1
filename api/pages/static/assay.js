// What htmx, which keeps a page up to date, leaves to us: words for times, the state of the connection, showing and
// saying what is new; and buttons that copy. Knows no noun.
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const AGAIN = 5000;

function tellTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    const seconds = (when - Date.now()) / 1000;
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1);
    const said = Math.abs(seconds) < 5 ? "just now" : relative.format((seconds < 0 ? Math.ceil : Math.round)(seconds / size), unit);
    if (time.textContent === said) continue;
    time.title ||= time.textContent;
    time.textContent = said;
  }
}

function rows(region) {
  return new Map([...region.querySelectorAll("tr[data-key]")].map((row) => [row.dataset.key, row]));
}

// What is to be known of the rows before they change.
function remember(region) {
  const before = new Map();
  for (const [key, row] of rows(region)) {
    before.set(key, { state: row.dataset.state, top: row.getBoundingClientRect().top });
  }
  return before;
}

// Moves the rows to their new places; returns those that are new or say something else than before.
function show(region, before) {
  const changed = [];
  for (const [key, row] of rows(region)) {
    const old = before.get(key);
    if (old?.state !== row.dataset.state) changed.push(row);
    const way = old && old.top - row.getBoundingClientRect().top;
    if (way && !calm.matches) {
      row.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], { duration: 600, easing: "ease" });
    }
  }
  for (const row of changed) row.classList.add("changed");
  return changed;
}

function follow(region) {
  const state = document.getElementById("live-state");
  const latest = document.getElementById("live-latest");
  let before = new Map();
  const tell = (name, text) => {
    state.dataset.state = name;
    if (state.textContent !== text) state.textContent = text;
  };
  // The extension comes back by itself only once a connection has stood: a first one that failed is for us to try again.
  const failed = () => {
    tell("reconnecting", "Reconnecting");
    setTimeout(() => region.dispatchEvent(new CustomEvent("again")), AGAIN);
  };
  region.addEventListener("htmx:error", failed);
  region.addEventListener("htmx:response:error", failed);
  region.addEventListener("htmx:sse:before:connection", ({ detail }) => {
    if (detail.connection.attempt) tell("reconnecting", "Reconnecting");
  });
  region.addEventListener("htmx:sse:after:connection", () => tell("live", "Live"));
  region.addEventListener("htmx:sse:close", ({ detail }) => {
    if (detail.reason === "message") tell("done", "Done");
  });
  region.addEventListener("htmx:before:swap", () => { before = remember(region); });
  region.addEventListener("htmx:after:swap", () => {
    const changed = show(region, before);
    const news = changed[0] ?? region.querySelector("[data-say]:not(tr)");
    if (news && latest.textContent !== news.dataset.say) latest.textContent = news.dataset.say;
    tellTimes();
  });
  document.getElementById("live").hidden = false;
  document.getElementById("reload").hidden = true;
}

function offerCopy(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.append(button);
}

tellTimes();
setInterval(tellTimes, 1000);
const fromLink = document.getElementById("from-link");
if (fromLink && location.hash.length > 1) {
  fromLink.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname); // it works once: nobody need find it in the history
}
if (navigator.clipboard) document.querySelectorAll(".copyable").forEach(offerCopy); // none without TLS, but on localhost
const region = document.querySelector("[hx-sse\\:connect]");
if (region) follow(region);

// Keeps a page up to date: the server sends HTML, this puts it in place and shows what is new. Knows no noun.
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function tellTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    const seconds = (when - Date.now()) / 1000;
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1);
    const said = Math.abs(seconds) < 5 ? "just now" : relative.format((seconds < 0 ? Math.ceil : Math.round)(seconds / size), unit);
    time.title ||= time.textContent;
    if (time.textContent !== said) time.textContent = said;
  }
}

function rows(region) {
  return new Map([...region.querySelectorAll("tr[data-key]")].map((row) => [row.dataset.key, row]));
}

// Puts the piece in place; returns the rows that are new or say something else than before.
function swap(region, piece) {
  const before = new Map();
  for (const [key, row] of rows(region)) {
    before.set(key, { state: row.dataset.state, top: row.getBoundingClientRect().top });
  }
  const focused = document.activeElement?.id;
  const scrolled = region.querySelector(".scroll")?.scrollLeft ?? 0;
  region.replaceChildren(piece);
  if (scrolled) region.querySelector(".scroll")?.scrollTo(scrolled, 0);
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
  const changed = [];
  for (const [key, row] of rows(region)) {
    const old = before.get(key);
    if (old?.state !== row.dataset.state) changed.push(row);
    const way = old && old.top - row.getBoundingClientRect().top;
    if (way && !calm.matches) {
      row.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], { duration: 600, easing: "ease" });
    }
  }
  return changed;
}

function follow(region) {
  const state = document.getElementById("live-state");
  const latest = document.getElementById("live-latest");
  const tell = (name, text) => {
    state.dataset.state = name;
    state.textContent = text;
  };
  const connect = () => {
    const source = new EventSource(region.dataset.live);
    source.onopen = () => tell("live", "Live");
    source.onerror = () => {
      tell("reconnecting", "Reconnecting");
      if (source.readyState !== EventSource.CLOSED) return; // the browser comes back by itself
      source.close();
      setTimeout(connect, 5000);
    };
    source.onmessage = ({ data, lastEventId }) => {
      const template = document.createElement("template");
      template.innerHTML = data;
      const piece = template.content.firstElementChild;
      const final = "final" in piece.dataset;
      if (lastEventId !== region.dataset.stamp) {
        region.dataset.stamp = lastEventId;
        const changed = swap(region, piece);
        for (const row of changed) row.classList.add("changed");
        const news = changed[0] ?? piece.querySelector("[data-say]:not(tr)");
        if (news && latest.textContent !== news.dataset.say) latest.textContent = news.dataset.say;
        tellTimes();
      }
      if (final) {
        source.close();
        tell("done", "Done");
      }
    };
    addEventListener("pagehide", () => source.close());
  };
  document.getElementById("live").hidden = false;
  document.getElementById("reload").hidden = true;
  connect();
}

tellTimes();
setInterval(tellTimes, 1000);
const region = document.querySelector("[data-live]");
if (region) follow(region);

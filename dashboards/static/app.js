// Small helps for pages that work without them.
"use strict";

// A part that fetches itself again: when that fails, the old figures stay and the page says how old they are.
const stale = document.getElementById("stale");

function showStale(live) {
  if (!stale || !live) return;
  document.getElementById("stale-since").textContent = live.dataset.clock;
  stale.hidden = false;
}

document.addEventListener("htmx:before:response", (event) => {
  const response = event.detail.ctx.response;
  if (response.status < 400) {
    if (stale) stale.hidden = true;
    return;
  }
  if (response.headers.get("HX-Redirect")) return; // signed out meanwhile
  event.preventDefault();
  showStale(event.target.closest("[data-clock]"));
});

document.addEventListener("htmx:error", (event) => showStale(event.target.closest?.("[data-clock]")));

document.addEventListener("htmx:after:swap", () => {
  const live = document.getElementById("live");
  if (live) live.dataset.clock = new Date().toLocaleTimeString("vi-VN", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Ho_Chi_Minh" });
});

// A form that is sent twice by an impatient hand is sent once.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  // One whose answer is a file leaves the page where it is, and may be sent again.
  if (event.target.method === "post" && !("again" in event.target.dataset)) event.target.dataset.sent = "1";
});

// Back from the browser's memory: forms may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// "/" goes to the search, as in many programs.
document.addEventListener("keydown", (event) => {
  const search = document.getElementById("words") ?? document.getElementById("search");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  if (event.key === "/" && search && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

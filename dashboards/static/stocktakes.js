// Counting goes on without a network: scans wait in the browser, with the time at which they were made, and are sent in
// order when it is back. The service takes each once, however often it is sent.
"use strict";

const scan = document.getElementById("scan");

if (scan && window.localStorage && crypto.randomUUID) {
  const told = document.getElementById("told");
  const waiting = document.getElementById("waiting");
  const place = `stocktake-${scan.dataset.number}`;
  const kept = () => JSON.parse(localStorage.getItem(place) || "[]");
  const keep = (list) => localStorage.setItem(place, JSON.stringify(list));
  let sending = false;

  function show(answer) {
    const word = document.createElement("strong");
    word.className = `result ${answer.heard}`;
    word.textContent = told.dataset[`word${answer.heard[0].toUpperCase()}${answer.heard.slice(1)}`];
    const place = answer.item.registered_site && answer.item.registered_site !== answer.item.site ? answer.item.registered_site : "";
    told.replaceChildren(word, [answer.tag, answer.item.name, place].filter(Boolean).join(" · "));
  }

  function count(refused) {
    const list = kept();
    waiting.hidden = !list.length;
    waiting.textContent = `${told.dataset.wordWaiting} ${list.map((one) => one.tag).join(", ")}${refused ? " – " + refused : ""}`;
  }

  // What the scans came to. Nothing is taken from under the hands of somebody who writes in a form there.
  async function refresh() {
    try {
      const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
      for (const id of ["standing", "counts"]) {
        const old = document.getElementById(id);
        const fresh = page.getElementById(id);
        if (fresh && !old.querySelector("details[open]")) old.replaceWith(fresh);
      }
    } catch {
      // No network: the counts stay as they were.
    }
  }

  async function send() {
    if (sending || !kept().length) return;
    sending = true;
    const batch = kept().slice(0, 100);
    let refused = "";
    try {
      const answer = await fetch(`/api/v1/stocktakes/${scan.dataset.number}/scans`, {
        method: "POST", headers: { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang }, body: JSON.stringify({ scans: batch }),
      });
      const said = await answer.json();
      if (answer.ok) {
        const taken = new Set(batch.map((one) => one.id));
        keep(kept().filter((one) => !taken.has(one.id)));
        show(said[said.length - 1]);
        refresh();
      } else {
        refused = said.detail; // they stay, and are shown
      }
    } catch {
      // No network: they wait.
    }
    sending = false;
    count(refused);
  }

  scan.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = scan.elements;
    const one = { id: crypto.randomUUID(), tag: field.tag.value.trim(), at: new Date().toISOString(), room: field.room.value, note: field.note.value };
    if (field.state.value) one.state = field.state.value;
    if (one.tag) keep([...kept(), one]);
    field.tag.value = field.note.value = "";
    field.tag.focus();
    count();
    send();
  });
  window.addEventListener("online", send);
  setInterval(send, 5000);
  count();
  send();
}

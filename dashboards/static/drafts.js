// Asking for things: chosen on the spot, kept in this browser while it is written, sent again when the network is back.
// The form works without this. What is kept is kept under the person who wrote it, and shown to nobody else.
"use strict";

const drafts = document.getElementById("drafts");

if (drafts) {
  const say = drafts.dataset;
  const DRAFT = `request-draft:${say.person}:`;
  const QUEUE = `request-queue:${say.person}`;
  const DAYS_KEPT = 14, SEND_SECONDS = 60, AGAIN_SECONDS = 10;
  const queueBox = document.getElementById("queue");
  const offerBox = document.getElementById("offer");
  const form = document.getElementById("ask");

  function read(place) {
    try { return JSON.parse(localStorage.getItem(place)); } catch { return null; }
  }
  function keep(place, value) {
    try {
      if (value === null) localStorage.removeItem(place);
      else localStorage.setItem(place, JSON.stringify(value));
      return true;
    } catch { return false; } // full or forbidden: the page goes on without
  }
  function element(tag, text, name) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (name) made.className = name;
    return made;
  }

  function choices(...buttons) {
    const made = element("span", "", "choices");
    made.append(...buttons);
    return made;
  }

  // Drafts of anybody that nobody came back to.
  for (const place of Object.keys(localStorage)) {
    if (place.startsWith("request-draft:") && Date.now() - (read(place)?.at ?? 0) > DAYS_KEPT * 86_400_000) keep(place, null);
  }

  // Photos are too large for localStorage: they wait in IndexedDB, by the key of their form.
  function photoStore(mode, act) {
    return new Promise((done) => {
      if (!window.indexedDB) return done(null);
      const opening = indexedDB.open("request-photos", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("photos");
      opening.onerror = () => done(null);
      opening.onsuccess = () => {
        const change = opening.result.transaction("photos", mode);
        const asked = act(change.objectStore("photos"));
        change.oncomplete = () => { opening.result.close(); done(asked.result ?? true); };
        change.onerror = change.onabort = () => { opening.result.close(); done(null); };
      };
    });
  }
  const photoKey = (key) => `${say.person}:${key}`;
  const keepPhotos = (key, files) => photoStore("readwrite", (store) => store.put(files, photoKey(key)));
  const dropPhotos = (key) => photoStore("readwrite", (store) => store.delete(photoKey(key)));
  async function photosOf(key) {
    const found = await photoStore("readonly", (store) => store.get(photoKey(key)));
    return Array.isArray(found) ? found : [];
  }

  // Those of forms that are neither written nor sent any more, whoever's they are.
  function needed() {
    const places = Object.keys(localStorage).map((place) => [place.split(":")[1], place, read(place)]);
    return new Set(places.flatMap(([person, place, kept]) => {
      if (place.startsWith("request-draft:") && kept) return [`${person}:${kept.key}`];
      return place.startsWith("request-queue:") && Array.isArray(kept) ? kept.map((one) => `${person}:${one.key}`) : [];
    }));
  }
  photoStore("readwrite", (store) => {
    const keys = store.getAllKeys();
    keys.onsuccess = () => { const used = needed(); for (const key of keys.result) if (!used.has(key)) store.delete(key); };
    return keys;
  });

  // Sending. The key of the form makes it arrive once, however often it is sent.
  const queued = () => read(QUEUE) ?? [];
  function change(key, changes) {
    keep(QUEUE, changes === null ? queued().filter((one) => one.key !== key) : queued().map((one) => (one.key === key ? { ...one, ...changes } : one)));
    showQueue();
  }

  async function post(one) {
    const body = new FormData();
    for (const [name, value] of one.fields) body.append(name, value);
    body.append("person", say.person); // on a shared PC somebody else may have signed in meanwhile
    for (const photo of await photosOf(one.key)) body.append("photo", photo, photo.name);
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), SEND_SECONDS * 1000);
    try {
      const answer = await fetch(one.to, { method: "POST", body, signal: stop.signal });
      if (/\/equipment-requests\/\d+$/.test(new URL(answer.url).pathname)) return { arrived: answer.url };
      if (/\/sign-in/.test(answer.url) || answer.status === 401 || answer.status === 403) return { state: "signedOut" };
      if (answer.status === 429 || answer.status >= 500) return { state: "busy" };
      return { state: "refused", page: await answer.text() };
    } catch {
      return { state: "offline" };
    } finally {
      clearTimeout(timer);
    }
  }

  let sending = false;
  async function flush() {
    if (sending) return;
    sending = true;
    for (const one of queued()) {
      if (one.state === "refused") continue;
      if (!navigator.onLine) break;
      change(one.key, { state: "sending" });
      const came = await post(one);
      if (came.arrived) {
        change(one.key, null);
        dropPhotos(one.key);
        const told = element("p", "", "notice arrived");
        const link = element("a", say.open);
        link.href = came.arrived;
        told.append(element("strong", say.sent), " ", one.what, " ", link);
        queueBox.after(told);
      } else {
        change(one.key, { state: came.state });
        if (came.state !== "refused") break;
      }
    }
    sending = false;
  }

  function showQueue() {
    queueBox.replaceChildren();
    for (const one of queued()) {
      const said = element("p", "", "notice unsent");
      said.dataset.state = one.state;
      said.append(element("strong", say[one.state] ?? say.offline), " ", one.what);
      if (one.photos) said.append(` (${say.photos})`);
      if (one.state === "refused") {
        const correct = element("button", say.correct, "button second");
        const discard = element("button", say.discard, "button second");
        correct.type = discard.type = "button";
        correct.addEventListener("click", () => reopen(one));
        discard.addEventListener("click", () => { change(one.key, null); dropPhotos(one.key); });
        said.append(choices(correct, discard));
      }
      queueBox.append(said);
    }
  }

  // Back into the form: here, or on the page where it was written.
  async function reopen(one) {
    const draft = { at: Date.now(), fields: one.fields, things: one.things ?? [], key: one.key };
    keep(DRAFT + one.form, draft);
    change(one.key, null);
    if (form && form.dataset.form === one.form) await restore(draft);
    else location.assign(one.from);
  }

  window.addEventListener("online", flush);
  setInterval(() => { if (queued().some((one) => one.state !== "refused")) flush(); }, AGAIN_SECONDS * 1000);
  for (const one of queued()) if (one.state === "sending") change(one.key, { state: "offline" });
  showQueue();
  flush();

  if (form) {
    const place = DRAFT + form.dataset.form;
    const chosen = document.getElementById("chosen");
    const lines = document.getElementById("lines");
    const bar = document.getElementById("bar");
    const catalogue = document.getElementById("catalogue");
    const photoBox = form.querySelector(".photos");
    const photoWrong = document.getElementById("photo-wrong");
    const thumbs = document.getElementById("thumbs");
    const search = document.getElementById("q");
    const action = form.dataset.form === "new" ? "/equipment-requests/new" : form.getAttribute("action");
    let photos = [];
    let touched = false;
    let there = false; // what was chosen fills the upper half of the screen

    const cards = () => [...lines.querySelectorAll("fieldset.line")];
    const cardOf = (thing) => cards().find((card) => card.dataset.thing === thing);
    const pickOf = (thing) => [...form.querySelectorAll('input[name="pick"]')].find((box) => box.value === thing);
    const highest = () => Math.max(0, ...cards().map((card) => Number(card.querySelector('input[name^="thing_"]').name.split("_").pop())));
    const site = () => form.elements.site?.value ?? "";
    // An amended request has its own version in the place of a key; its drafts have one all the same.
    const formKey = () => form.elements.key?.value || `amend-${form.dataset.form}`;

    document.documentElement.classList.add("scripted");
    form.classList.add("scripted");
    form.method = "post";

    // Lines.
    function addLine(thing, what, drawing) {
      if (cardOf(thing)) return cardOf(thing);
      const kind = thing.split(":")[0];
      const mould = document.querySelector(`template[data-kind="${CSS.escape(kind)}"]`);
      if (!mould || cards().length >= Number(form.dataset.linesMax)) return null;
      const number = highest() + 1;
      const card = mould.content.cloneNode(true).querySelector("fieldset");
      for (const part of card.querySelectorAll("[name],[id],[for]")) {
        for (const name of ["name", "id", "for"]) {
          const value = part.getAttribute(name);
          if (value?.endsWith("_0")) part.setAttribute(name, value.replace(/_0$/, `_${number}`));
        }
      }
      card.dataset.thing = thing;
      card.querySelector('input[name^="thing_"]').value = thing;
      card.querySelector(".what").textContent = what;
      if (drawing) card.querySelector("svg.picture").replaceWith(drawing.cloneNode(true));
      if (thing.split(":").length > 2) card.querySelector(".software")?.remove();
      card.querySelector(".leave .hidden").textContent = ` ${what}`;
      lines.append(card);
      dress(card);
      facts(card);
      return card;
    }

    function dress(card) {
      const box = card.querySelector(".leave input");
      if (box.dataset.dressed) return;
      box.dataset.dressed = "1";
      box.addEventListener("change", () => removeLine(card.dataset.thing));
    }

    function removeLine(thing) {
      touched = true;
      cardOf(thing)?.remove();
      const box = pickOf(thing);
      if (box) box.checked = false;
      showChosen();
      save();
      (cards()[0]?.querySelector("input:not([type=hidden])") ?? search)?.focus();
    }

    // What is known of it comes from the service, in its own words; without a network the line is as good.
    async function facts(card) {
      try {
        const asked = new URLSearchParams({ pick: card.dataset.thing, site: site() });
        const answer = await fetch(`/equipment-requests/new?${asked}`, { headers: { "HX-Request": "true" } });
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const known = page.querySelector(".known");
        if (known) card.querySelector(".known").replaceChildren(...document.adoptNode(known).childNodes);
        const unit = page.querySelector(".unit-of")?.textContent;
        if (unit && card.querySelector(".unit-of")) card.querySelector(".unit-of").textContent = unit;
      } catch {
        // Later, or never.
      }
    }

    // It leads on to what was chosen, so it is not there beside that.
    function showBar() {
      bar.hidden = cards().length === 0 || there || !catalogue.open || Boolean(chosen.compareDocumentPosition(catalogue) & Node.DOCUMENT_POSITION_FOLLOWING);
    }
    new IntersectionObserver(([entry]) => {
      there = entry.isIntersecting;
      showBar();
    }, { rootMargin: "0px 0px -50% 0px" }).observe(chosen);

    function showChosen() {
      const count = cards().length;
      chosen.hidden = chosen.disabled = count === 0;
      showBar();
      document.getElementById("bar-count").textContent = `${document.getElementById("bar-count").dataset.text}: ${count}`;
    }

    form.addEventListener("change", (event) => {
      const box = event.target;
      if (box.name !== "pick") return;
      touched = true;
      if (box.checked) {
        const label = box.closest("label");
        if (!addLine(box.value, label.querySelector(".what").textContent, label.querySelector("svg"))) box.checked = false;
      } else {
        removeLine(box.value);
        box.focus();
      }
      showChosen();
      save();
    });
    document.getElementById("bar-go").addEventListener("click", () => {
      chosen.scrollIntoView();
      cards()[0]?.querySelector("input:not([type=hidden])")?.focus({ preventScroll: true });
    });
    form.elements.site?.addEventListener?.("change", () => {
      for (const card of cards()) facts(card);
      save();
      if (form.elements.site.tagName === "SELECT") form.querySelector('button[value="update"]:not([aria-hidden])')?.click();
    });

    // The catalogue narrows while one types.
    const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[đĐ]/g, "d").toLowerCase();
    search?.addEventListener("input", () => {
      const words = fold(search.value).split(/\s+/).filter(Boolean);
      for (const group of catalogue.querySelectorAll(".group")) {
        let found = 0;
        for (const label of group.querySelectorAll(".pick")) {
          const text = fold(label.textContent);
          label.hidden = !words.every((word) => text.includes(word));
          if (!label.hidden) found += 1;
        }
        const later = group.querySelector("details.later");
        if (later && words.length) later.open = true;
        group.hidden = words.length > 0 && found === 0;
      }
    });
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !/^(INPUT|SELECT)$/.test(event.target.tagName)) return;
      event.preventDefault(); // Enter in a field sends nothing by accident
    });

    // Photos: made smaller, shown small, and looked at before they leave.
    function showPhotos() {
      thumbs.replaceChildren();
      photos.forEach((photo, at) => {
        const item = element("li");
        const picture = element("img");
        picture.alt = photo.name;
        const reader = new FileReader();
        reader.onload = () => { picture.src = reader.result; };
        reader.readAsDataURL(photo);
        const away = element("button", "×", "quiet");
        away.type = "button";
        away.setAttribute("aria-label", `${photoBox.dataset.remove}: ${photo.name}`);
        away.addEventListener("click", () => { photos.splice(at, 1); showPhotos(); savePhotos(); });
        item.append(picture, away);
        thumbs.append(item);
      });
    }
    const savePhotos = () => (photos.length ? keepPhotos(formKey(), photos) : dropPhotos(formKey()));
    form.addEventListener("change", async (event) => {
      if (event.target.name !== "photo") return;
      const files = [...event.target.files];
      event.target.value = "";
      touched = true;
      photoWrong.hidden = true;
      for (const file of files) {
        const small = await shrunk(file);
        let why = "";
        if (small.size > Number(photoBox.dataset.max)) why = photoBox.dataset.large;
        else if (photos.length >= Number(photoBox.dataset.most)) why = photoBox.dataset.many;
        else photos.push(small);
        if (why) {
          photoWrong.textContent = why;
          photoWrong.hidden = false;
        }
      }
      showPhotos();
      await savePhotos();
      save();
    });

    // What is typed is kept.
    const typed = () => [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !["pick", "q", "version"].includes(name));
    const things = () => cards().map((card) => [card.dataset.thing, card.querySelector(".what").textContent]);
    const worth = () => cards().length > 0;
    function save() {
      if (!touched) return; // what was only looked at leaves an older draft alone
      const kept = keep(place, worth() ? { at: Date.now(), fields: typed(), things: things(), key: formKey() } : null);
      document.getElementById("saved").hidden = !kept || !worth();
    }
    let waiting = 0;
    form.addEventListener("input", () => {
      touched = true;
      clearTimeout(waiting);
      waiting = setTimeout(save, 300);
    });
    window.addEventListener("pagehide", save);

    async function restore(draft) {
      touched = true;
      offerBox.replaceChildren();
      const values = new Map(draft.fields);
      if (form.elements.site && values.get("site")) form.elements.site.value = values.get("site");
      for (const card of cards()) card.remove();
      for (const [thing, what] of draft.things) {
        const label = pickOf(thing)?.closest("label");
        addLine(thing, what, label?.querySelector("svg"));
        if (label) label.querySelector("input").checked = true;
      }
      // The lines count anew; each takes what stood in the line of the same thing.
      for (const [name, value] of draft.fields) {
        const at = /^(\w+)_(\d+)$/.exec(name);
        if (!at) continue;
        const card = cardOf(values.get(`thing_${at[2]}`) ?? "");
        const field = card?.querySelector(`[name^="${at[1]}_"]`);
        if (field && field.type !== "checkbox") field.value = value;
      }
      chosen.hidden = chosen.disabled = false;
      form.elements.reason.value = values.get("reason") ?? "";
      if (form.elements.key && values.get("key")) form.elements.key.value = values.get("key");
      photos = await photosOf(draft.key);
      showPhotos();
      showChosen();
      if (cards().length) chosen.scrollIntoView();
    }

    function offer(draft) {
      const said = element("p", "", "notice draft");
      const when = new Date(draft.at).toLocaleString(document.documentElement.lang === "vi" ? "vi-VN" : "en-GB", { dateStyle: "short", timeStyle: "short" });
      said.append(`${say.draft} ${when}: ${draft.things.map(([, what]) => what).join(", ")}`);
      const go = element("button", say.continue, "button");
      const discard = element("button", say.discard, "button second");
      go.type = discard.type = "button";
      go.addEventListener("click", () => restore(draft));
      discard.addEventListener("click", () => { keep(place, null); dropPhotos(draft.key); offerBox.replaceChildren(); });
      said.append(choices(go, discard));
      offerBox.append(said);
    }

    // Sending: at once when there is a network, later when there is none.
    form.addEventListener("submit", async (event) => {
      const by = event.submitter;
      if (by?.name === "go" || by?.name === "find") return; // only looked at again, with everything that was typed
      event.preventDefault();
      if (form.dataset.busy || !worth()) return;
      touched = true;
      clearTimeout(waiting);
      const fields = typed();
      if (form.elements.version) fields.push(["version", form.elements.version.value]);
      if (by?.name) fields.push([by.name, by.value]);
      const what = cards().map((card) => `${card.querySelector('[name^="quantity_"]')?.value ?? 1} × ${card.querySelector(".what").textContent}`).join(", ");
      const one = { key: formKey(), form: form.dataset.form, to: action, from: location.href, at: Date.now(), fields, things: things(), what, photos: photos.length, state: "sending" };
      save();
      const photosKept = !photos.length || (await savePhotos()) !== null;
      const kept = keep(QUEUE, [...queued().filter((other) => other.key !== one.key), one]);
      form.dataset.busy = "1";
      sending = true;
      showQueue();
      const came = navigator.onLine ? await post(one) : { state: "offline" };
      sending = false;
      delete form.dataset.busy;
      if (came.arrived) {
        change(one.key, null);
        dropPhotos(one.key);
        keep(place, null);
        form.dataset.gone = "1";
        location.assign(came.arrived);
      } else if (came.state === "refused") {
        change(one.key, null);
        showRefused(came.page);
      } else if (kept) {
        change(one.key, { state: came.state });
        keep(place, null); // it stands in the queue now
        photos = [];
        form.hidden = bar.hidden = true;
        form.dataset.gone = "1";
        if (!photosKept) queueBox.append(element("p", say.lost, "wrong"));
        document.getElementById("another").hidden = false;
        queueBox.setAttribute("tabindex", "-1");
        queueBox.focus();
      } else {
        queueBox.append(element("p", say[came.state], "notice"));
      }
    });
    // Another one, though there may be no network to fetch a fresh form.
    document.getElementById("another").querySelector("button").addEventListener("click", () => {
      for (const thing of cards().map((card) => card.dataset.thing)) removeLine(thing);
      form.elements.reason.value = "";
      if (form.elements.key) form.elements.key.value = newKey();
      showPhotos();
      delete form.dataset.gone;
      form.hidden = false;
      document.getElementById("another").hidden = true;
      catalogue.open = true;
      showChosen();
      search.focus();
    });
    function newKey() { // as the service makes them: UUIDv7, the time in front
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      const time = Date.now().toString(16).padStart(12, "0");
      bytes[6] = (bytes[6] & 0x0f) | 0x70;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const rest = [...bytes.slice(6)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return `${time.slice(0, 8)}-${time.slice(8)}-${rest.slice(0, 4)}-${rest.slice(4, 8)}-${rest.slice(8)}`;
    }
    window.addEventListener("pagehide", () => { if (form.dataset.gone) keep(place, null); });

    // The page that came back says beside each field what is wrong; its words go into the form that is here.
    function showRefused(text) {
      const page = new DOMParser().parseFromString(text, "text/html");
      for (const old of document.querySelectorAll("main .problem, #ask .wrong:not(#photo-wrong)")) old.remove();
      for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
      const problem = page.querySelector("main .problem, main p[role=alert]") ?? element("p", page.querySelector("main")?.textContent.trim().slice(0, 300), "problem");
      problem.setAttribute("role", "alert");
      form.before(document.adoptNode(problem));
      const numbers = cards().map((card) => card.querySelector('input[name^="thing_"]').name.split("_").pop());
      for (const wrong of page.querySelectorAll("#ask .wrong[id]")) {
        let name = wrong.id.replace(/^wrong-/, "");
        const at = /^(\w+)_(\d+)$/.exec(name);
        if (at) name = `${at[1]}_${numbers[Number(at[2]) - 1]}`;
        if (name === "photo") {
          photoWrong.textContent = wrong.textContent;
          photoWrong.hidden = false;
          continue;
        }
        const field = form.querySelector(`[name="${CSS.escape(name)}"]`);
        const said = element("p", wrong.textContent, "wrong");
        said.id = `wrong-${name}`;
        if (field && field.type !== "hidden") {
          field.setAttribute("aria-invalid", "true");
          field.setAttribute("aria-describedby", said.id);
          field.before(said);
        } else (field?.closest("fieldset") ?? chosen).prepend(said);
      }
      const fresh = page.querySelector('#ask input[name="key"]');
      if (fresh && form.elements.key) form.elements.key.value = fresh.value;
      document.querySelector("main .problem").scrollIntoView();
      form.querySelector("[aria-invalid]")?.focus({ preventScroll: false });
    }

    for (const card of cards()) dress(card);
    showChosen();
    catalogue.addEventListener("toggle", showChosen);
    // What was ticked before the script was there.
    for (const box of form.querySelectorAll('input[name="pick"]:checked')) {
      if (!cardOf(box.value)) addLine(box.value, box.closest("label").querySelector(".what").textContent, box.closest("label").querySelector("svg"));
    }
    showChosen();
    const draft = read(place);
    if (draft?.things?.length && !("refused" in form.dataset)) offer(draft);
  }
}

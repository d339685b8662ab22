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

// Photos of phones are large and lines are thin: they are made smaller before they leave, and too large files do not leave.
const SHRINK_ABOVE = 400_000, SIDE_MAX = 2_000;

async function shrunk(file) {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type) || file.size < SHRINK_ABOVE) return file;
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SIDE_MAX / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    return blob && blob.size < file.size ? new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" }) : file;
  } catch {
    return file; // the service looks at it anyway
  }
}

document.addEventListener("change", async (event) => {
  const input = event.target;
  if (!("shrink" in (input.dataset ?? {})) || !input.files.length) return;
  const file = await shrunk(input.files[0]);
  if (file !== input.files[0]) {
    const kept = new DataTransfer();
    kept.items.add(file);
    input.files = kept.files;
  }
  input.setCustomValidity(file.size > Number(input.dataset.max) ? input.dataset.large : "");
  if (input.reportValidity() && "go" in input.dataset) input.form.requestSubmit();
});

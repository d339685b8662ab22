// Reads the code on a label, off the camera or off a photo: with what the browser has for it, else with zxing, which is
// fetched only then. What the code holds goes into the field of the form, which is sent.
"use strict";

const scanner = document.getElementById("scanner");

if (scanner && (window.BarcodeDetector || (scanner.dataset.library && scanner.dataset.module))) {
  const view = document.getElementById("view");
  const start = document.getElementById("scan");
  const picture = document.getElementById("picture");
  const told = document.getElementById("scan-told");
  const form = document.getElementById("by-tag");
  let reading;

  scanner.hidden = false;
  start.hidden = !navigator.mediaDevices?.getUserMedia;

  function say(text) {
    told.textContent = text;
    told.hidden = !text;
  }

  async function own() {
    if (!window.BarcodeDetector || !(await BarcodeDetector.getSupportedFormats()).includes("qr_code")) return null;
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (source) => (await detector.detect(source))[0]?.rawValue;
  }

  async function fetched() {
    await new Promise((done, failed) => {
      const script = document.createElement("script");
      Object.assign(script, { src: scanner.dataset.library, onload: done, onerror: failed });
      document.head.append(script);
    });
    ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => scanner.dataset.module } });
    return async (source) => {
      const canvas = document.createElement("canvas");
      canvas.width = source.videoWidth || source.width;
      canvas.height = source.videoHeight || source.height;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(source, 0, 0);
      const data = context.getImageData(0, 0, canvas.width, canvas.height);
      return (await ZXingWASM.readBarcodes(data, { formats: ["QRCode"], maxNumberOfSymbols: 1 }))[0]?.text;
    };
  }

  function reader() {
    reading ??= own().then((found) => found ?? fetched());
    return reading;
  }

  function found(text) {
    form.elements.tag.value = text;
    form.requestSubmit();
  }

  function stop() {
    view.srcObject?.getTracks().forEach((track) => track.stop());
    view.srcObject = null;
    view.hidden = true;
    start.hidden = false;
  }

  start.addEventListener("click", async () => {
    say("");
    try {
      view.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      view.hidden = false;
      start.hidden = true;
      await view.play();
      const read = await reader();
      while (view.srcObject) {
        const text = await read(view);
        if (text) {
          stop();
          found(text);
        }
        await new Promise((done) => setTimeout(done, 150));
      }
    } catch {
      stop();
      say(scanner.dataset.refused);
    }
  });

  picture.addEventListener("change", async () => {
    if (!picture.files.length) return;
    say("");
    let text = "";
    try {
      const read = await reader();
      text = await read(await createImageBitmap(picture.files[0]));
    } catch {
      // No picture, or no reader: told below.
    }
    picture.value = "";
    if (text) found(text);
    else say(scanner.dataset.none);
  });

  window.addEventListener("pagehide", stop);
}

// Decodes sound files with a real browser.
// usage: node decode.mjs CHROMIUM < JSON array of base64 — prints the files' lengths in samples at 48 kHz.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const files = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: ["--no-sandbox"],
});
const page = await browser.newPage();
const lengths = await page.evaluate(async (given) => {
  const context = new OfflineAudioContext(1, 1, 48000);
  const length = async (file) => {
    const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
    return (await context.decodeAudioData(bytes.buffer)).length;
  };
  return Promise.all(given.map(length));
}, files);
await browser.close();
console.log(JSON.stringify(lengths));

// Records a 440 Hz tone with a real browser's MediaRecorder.
// usage: node record.mjs CHROMIUM PIECES — prints the stream's pieces as a JSON array of base64.
import { chromium } from "playwright-core";

const [executablePath, wanted] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
});
const page = await browser.newPage();
const pieces = await page.evaluate(async (count) => {
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: 440 });
  const destination = context.createMediaStreamDestination();
  tone.connect(destination);
  tone.start();
  const recorder = new MediaRecorder(destination.stream, { mimeType: "audio/webm;codecs=opus" });
  const blobs = [];
  await new Promise((done) => {
    recorder.ondataavailable = ({ data }) => {
      if (data.size > 0) blobs.push(data);
      if (blobs.length >= count && recorder.state === "recording") recorder.stop();
    };
    recorder.onstop = done;
    recorder.start(200);
  });
  const encode = async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  };
  return Promise.all(blobs.map(encode));
}, Number(wanted));
await browser.close();
console.log(JSON.stringify(pieces));

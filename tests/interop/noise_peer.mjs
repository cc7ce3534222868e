// The other end of noise_peer.cpp, which says how it is spoken to, on noise-c, rweather's C code as WebAssembly:
//
//   node noise_peer.mjs FOLDER NAME SIDE STATIC PROLOGUE [REMOTE]
//
// FOLDER holds the npm package noise-c.wasm.
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

// The package is older than node's fetch, and would take it for a browser's.
globalThis.fetch = undefined;

const [folder, name, side, ownSecret, prologue, remote] = process.argv.slice(2);
const createNoise = createRequire(import.meta.url)(path.resolve(folder));
const fromHex = (text) => (text === "-" ? new Uint8Array(0) : new Uint8Array(Buffer.from(text, "hex")));
const toHex = (bytes) => Buffer.from(bytes).toString("hex") || "-";

createNoise((noise) => {
  const { NOISE_ROLE_INITIATOR, NOISE_ROLE_RESPONDER } = noise.constants;
  const role = side === "initiator" ? NOISE_ROLE_INITIATOR : NOISE_ROLE_RESPONDER;
  const handshake = noise.HandshakeState(name, role);
  handshake.Initialize(fromHex(prologue), fromHex(ownSecret), remote ? fromHex(remote) : null);
  const nothing = new Uint8Array(0);
  let say = (bytes) => handshake.WriteMessage(bytes);
  let hear = (bytes) => handshake.ReadMessage(bytes, true);
  const end = () => {
    const answer = `${toHex(handshake.GetHandshakeHash())} ${toHex(handshake.GetRemotePublicKey())}`;
    const [send, receive] = handshake.Split();
    say = (bytes) => send.EncryptWithAd(nothing, bytes);
    hear = (bytes) => receive.DecryptWithAd(nothing, bytes);
    return answer;
  };
  const answerTo = (verb, bytes) => {
    try {
      if (verb === "end") return end();
      return toHex(verb === "say" ? say(bytes) : hear(bytes));
    } catch (error) {
      return `refused ${error.message}`;
    }
  };
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const [verb, hex = "-"] = line.split(" ");
    process.stdout.write(answerTo(verb, fromHex(hex)) + "\n");
  });
});

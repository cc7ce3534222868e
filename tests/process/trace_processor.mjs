// Asks Perfetto's trace processor, the program behind ui.perfetto.dev, about a trace:
//
//   node trace_processor.mjs FOLDER TRACE < QUERIES
//
// FOLDER holds its WebAssembly build, `trace_processor.wasm`, and the worker script that loads it,
// `engine_bundle.node.js`. QUERIES is a JSON list of SQL texts; printed is, for each, the list of its rows.
//
// The worker script runs in a context of its own, which is given what a browser's worker has and nothing of node's: no
// files, no network, no processes. It is spoken to in the messages of trace_processor.proto (TraceProcessorRpc), of which
// this file writes and reads the few fields that it needs.
import { readFileSync } from "node:fs";
import path from "node:path";
import vm from "node:vm";

const [folder, traceFile] = process.argv.slice(2);
const request = { append: 1, finalize: 2, query: 3 };
const field = { stream_message: 1, sequence: 1, fatal_error: 5, request: 2, append: 101, query: 103, result: 203 };
const cell = { invalid: 0, null: 1, varint: 2, float64: 3, string: 4, blob: 5 };
const chunkBytes = 16 * 1024 * 1024;

// --- protocol buffers: a writer and a reader of fields -----------------------------------------------------------------

function varint(number) {
  const bytes = [];
  for (let rest = BigInt(number); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}
const numberField = (id, value) => Buffer.concat([varint(id * 8), varint(value)]);
const bytesField = (id, bytes) => Buffer.concat([varint(id * 8 + 2), varint(bytes.length), bytes]);

class Reader {
  constructor(bytes) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }
  get ended() {
    return this.at >= this.bytes.length;
  }
  varint() {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
  }
  take(count) {
    return this.bytes.subarray(this.at, (this.at += count));
  }
  // [id, value]: bytes for what has a length, a number for the rest.
  field() {
    const tag = Number(this.varint());
    switch (tag % 8) {
      case 0: return [tag >> 3, Number(this.varint())];
      case 1: return [tag >> 3, this.take(8)];
      case 2: return [tag >> 3, this.take(Number(this.varint()))];
      case 5: return [tag >> 3, this.take(4)];
      default: throw new Error(`a field of wire type ${tag % 8}`);
    }
  }
  *fields() {
    while (!this.ended) yield this.field();
  }
}

// A batch of a QueryResult: kinds of the cells, and the values of each kind by themselves.
function cellsOf(batch) {
  const kinds = [], numbers = [], floats = [];
  let texts = [];
  for (const [id, value] of new Reader(batch).fields()) {
    const packed = value instanceof Uint8Array ? new Reader(value) : null;
    if (id === 1) while (!packed.ended) kinds.push(Number(packed.varint()));
    if (id === 2) while (!packed.ended) numbers.push(Number(packed.varint()));
    if (id === 3) while (!packed.ended) floats.push(packed.take(8).readDoubleLE());
    if (id === 5) texts = value.toString("utf8").split("\0");
  }
  return kinds.map((kind) => {
    if (kind === cell.varint) return numbers.shift();
    if (kind === cell.float64) return floats.shift();
    if (kind === cell.string) return texts.shift();
    return null;
  });
}

// Whether no further QueryResult follows: it tells of a mistake, or its batch is marked as the last.
function isLast(result) {
  for (const [id, value] of new Reader(result).fields()) {
    if (id === 2 && value.length > 0) return true;
    if (id === 3 && [...new Reader(value).fields()].some(([inner, flag]) => inner === 6 && flag === 1)) return true;
  }
  return false;
}

function rowsOf(results) {
  const names = [], cells = [];
  for (const result of results) {
    for (const [id, value] of new Reader(result).fields()) {
      if (id === 1) names.push(value.toString("utf8"));
      if (id === 2 && value.length > 0) throw new Error(value.toString("utf8"));
      if (id === 3) cells.push(...cellsOf(value));
    }
  }
  const rows = [];
  for (let at = 0; at < cells.length; at += names.length)
    rows.push(Object.fromEntries(names.map((name, column) => [name, cells[at + column]])));
  return rows;
}

// --- the worker --------------------------------------------------------------------------------------------------------

function startWorker() {
  const wasm = readFileSync(path.join(folder, "trace_processor.wasm"));
  class WasmRequest {
    open() {}
    send() {
      this.response = wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.length);
    }
  }
  const print = (...texts) => process.stderr.write(texts.join(" ") + "\n");
  const worker = vm.createContext({
    XMLHttpRequest: WasmRequest,
    WorkerGlobalScope: Object,
    location: { href: "https://localhost/engine.js" },
    console: { log: print, warn: print, error: print },
    ...{ TextDecoder, TextEncoder, URL, performance, setTimeout, clearTimeout },
  });
  worker.self = worker;
  // The script wants the build for 64 bits where a module of nothing but a memory of 64 bits can be had; ours is for 32.
  vm.runInContext(
    `WebAssembly.Module = class extends WebAssembly.Module {
       constructor(bytes) {
         if (bytes[8] === 5) throw new WebAssembly.CompileError("32 bits");
         super(bytes);
       }
     };`,
    worker,
  );
  vm.runInContext(readFileSync(path.join(folder, "engine_bundle.node.js"), "utf8"), worker);
  return worker;
}

class TraceProcessor {
  #sequence = 0;
  #waiting = [];
  #port = { postMessage: (bytes) => this.#receive(bytes) };

  async start() {
    const worker = startWorker();
    this.bytesOfWorker = vm.runInContext("Uint8Array", worker);
    worker.onmessage({ data: this.#port });
    await new Promise((resolve) => setImmediate(resolve)); // it sets itself up at once, in what it promises itself
  }
  // Resolves with the messages that answer it, as lists of fields.
  ask(kind, ...fields) {
    const message = Buffer.concat([numberField(field.sequence, ++this.#sequence), numberField(field.request, kind), ...fields]);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ answers: [], resolve, reject });
      this.#port.onmessage({ data: new this.bytesOfWorker(bytesField(field.stream_message, message)) });
    });
  }
  async load(trace) {
    for (let at = 0; at < trace.length; at += chunkBytes)
      await this.ask(request.append, bytesField(field.append, trace.subarray(at, at + chunkBytes)));
    await this.ask(request.finalize);
  }
  async query(sql) {
    const answers = await this.ask(request.query, bytesField(field.query, bytesField(1, Buffer.from(sql))));
    return rowsOf(answers);
  }
  #receive(bytes) {
    for (const [, message] of new Reader(bytes).fields()) this.#take(message);
  }
  #take(message) {
    const asked = this.#waiting[0];
    let last = true;
    for (const [id, value] of new Reader(message).fields()) {
      if (id === field.fatal_error && value.length > 0) asked.reject(new Error(value.toString("utf8")));
      if (id !== field.result) continue;
      asked.answers.push(value);
      last = isLast(value);
    }
    if (!last) return;
    this.#waiting.shift();
    asked.resolve(asked.answers);
  }
}

const processor = new TraceProcessor();
await processor.start();
await processor.load(readFileSync(traceFile));
const results = [];
for (const sql of JSON.parse(readFileSync(0, "utf8"))) results.push(await processor.query(sql));
process.stdout.write(JSON.stringify(results) + "\n");
process.exit(0);

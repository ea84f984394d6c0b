"use strict";
// Talks to rooms with Node's package `ws`: first to the logic `ledger`, then to `echo`, which replaces it.
// usage: ws_client.js ADDRESS ADMIN LOGIC NEXT
const assert = require("node:assert/strict");
const { on, once } = require("node:events");
const { WebSocket } = require("ws");
const { replace } = require("./replace");

const [address, admin, logic, next] = process.argv.slice(2);
// Node ends without an error when nothing can happen any more, although something is awaited.
process.exitCode = 1;
setTimeout(() => { throw new Error("this takes too long"); }, 60_000).unref();

class Client {
  constructor(path, protocols = [], options = {}) {
    this.socket = new WebSocket(`ws://${address}${path}`, protocols, options);
    this.messages = on(this.socket, "message", { close: ["close"] });
    this.closed = once(this.socket, "close");
  }

  static async open(path) {
    const client = new Client(path);
    await once(client.socket, "open");
    return client;
  }

  // The next message: a text, or the bytes of a binary message.
  async message() {
    const { value, done } = await this.messages.next();
    assert(!done, "the connection is closed");
    const [data, isBinary] = value;
    return isBinary ? data : data.toString();
  }

  ask(message) {
    this.socket.send(message);
    return this.message();
  }

  // Sends one message in several frames.
  askInFrames(frames, binary) {
    frames.forEach((frame, index) => {
      this.socket.send(frame, { binary, fin: index === frames.length - 1 });
      this.socket.ping();
    });
    return this.message();
  }

  async isClosed(code, reason) {
    const [closed, why] = await this.closed;
    assert.deepEqual([closed, why.toString()], [code, reason]);
  }
}

async function main() {
  // The client offers compression.
  const one = await Client.open("/lobby");
  const other = await Client.open("/lobby");
  const pinged = once(one.socket, "ping");
  assert.deepEqual([one.socket.extensions, one.socket.protocol], ["", ""]);
  assert.equal(await one.ask("hällo 🌍"), "1 1 hällo 🌍");
  assert.equal(await other.message(), "1 1 hällo 🌍");

  one.socket.ping("are you there");
  const [pong] = await once(one.socket, "pong");
  assert.equal(pong.toString(), "are you there");

  other.socket.send("leave");
  await other.isClosed(3001, "it asked to leave");
  await new Client("/lobby?refuse").isClosed(3002, "it was told to refuse");
  await new Client("/").isClosed(1008, "the name of the room is missing; write it after the address, as in `/lobby`");
  await new Client("/%FF").isClosed(1008, "the name of the room is not UTF-8");
  // The server knows no subprotocols; it is this client that then refuses the connection.
  await assert.rejects(new Client("/lobby", ["chat.v2"]).closed, /Server sent no subprotocol/);

  await replace(logic, next, admin);
  assert.equal(await one.ask("talk on"), "talk on");
  assert.equal(await one.ask(""), "");
  assert.deepEqual(await one.ask(Buffer.alloc(0)), Buffer.alloc(0));
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256));
  assert.deepEqual(await one.ask(bytes), bytes);
  // More than fits in one frame of the answer. The frames of the text end within a character.
  const large = "🌍ä".repeat(900_000);
  assert.equal(await one.ask(large), large);
  const encoded = Buffer.from(large);
  const frames = [encoded.subarray(0, 1), encoded.subarray(1, 2_000_001), encoded.subarray(2_000_001)];
  assert.equal(await one.askInFrames(frames, false), large);
  assert.deepEqual(await one.askInFrames(frames, true), encoded);

  const tooLarge = Buffer.alloc(9 << 20);
  const halves = [tooLarge.subarray(0, 5 << 20), tooLarge.subarray(5 << 20)];
  for (const send of [client => client.ask(tooLarge), client => client.askInFrames(halves, true)]) {
    const client = await Client.open("/lobby");
    send(client).catch(() => {});
    const [code, reason] = await client.closed;
    assert.equal(code, 1009);
    assert.match(reason.toString(), /8388608/);
  }

  await pinged;
  assert.equal(await one.ask("still here"), "still here");
  one.socket.close(4000, "goodbye");
  await one.isClosed(4000, "");
}

main().then(() => { process.exitCode = 0; });

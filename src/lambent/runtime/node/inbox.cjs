// The environment's end of its socket: invocations from the platform.

'use strict';

const net = require('node:net');

const RECEIVED = 65_536;

const HEAD = 54; // payload length, deadline, request id, trace length, extra length

/** Calls `received` for each INVOKE frame. The platform sends one at a time. */
class Inbox {
  #data = null; // what has come of a frame that did not come at once
  #filled = 0;
  #received;
  #socket;

  constructor(descriptor, received) {
    this.#received = received;
    this.#socket = new net.Socket({
      fd: descriptor,
      readable: true,
      writable: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(RECEIVED),
        callback: (count, buffer) => {
          this.#take(buffer, count);
          return true;
        },
      },
    });
    const gone = () => process.exit(0);
    this.#socket.on('end', gone).on('error', gone);
  }

  close() {
    this.#socket.destroy();
  }

  /** While an invocation runs, waiting for the next one must not keep the event loop alive. */
  hold() {
    this.#socket.unref();
  }

  resume() {
    this.#socket.ref();
  }

  #take(buffer, count) {
    let data = buffer;
    if (this.#data !== null) {
      if (this.#data.length - this.#filled < count) this.#data = Buffer.concat([this.#data.subarray(0, this.#filled)], this.#filled + count);
      buffer.copy(this.#data, this.#filled, 0, count);
      this.#filled += count;
      data = this.#data;
      count = this.#filled;
    }
    const wanted = count < HEAD ? HEAD : HEAD + data.readUInt32BE(0) + data.readUInt16BE(48) + data.readUInt32BE(50);
    if (count < wanted) {
      if (data.length < wanted || this.#data === null) {
        const grown = Buffer.allocUnsafe(Math.max(wanted, HEAD));
        data.copy(grown, 0, 0, count);
        this.#data = grown;
        this.#filled = count;
      }
      return;
    }
    this.#data = null;
    this.#filled = 0;
    const trace = HEAD + data.readUInt16BE(48);
    const extra = trace + data.readUInt32BE(50);
    this.#received({
      deadline: data.readUInt32BE(4) * 2 ** 32 + data.readUInt32BE(8),
      id: data.latin1Slice(12, 48),
      trace: data.latin1Slice(HEAD, trace),
      extra: trace === extra ? {} : JSON.parse(data.utf8Slice(trace, extra)),
      payload: data.utf8Slice(extra, wanted),
    });
  }
}

module.exports = { HEAD, Inbox };

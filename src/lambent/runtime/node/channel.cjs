// The environment's end of its socket: frames to the platform.

'use strict';

const fs = require('node:fs');

const SMALL = 65_536;
const LARGEST_CHUNK = 1_048_576;
const LARGEST_LOG = 1_048_568;
const PEAK_MS = 5;
const KIB = process.platform === 'linux' ? 1 : 1024; // maxRSS is in bytes on macOS

/** Frames on a descriptor. They are written at once, so that nothing is lost when user code exits, but for pieces of a
 *  streamed answer that the platform does not take yet, and what comes after them. */
class Channel {
  answered = null; // called after each answer, by the rehearsal

  #descriptor;
  #small = Buffer.allocUnsafe(SMALL);
  #waiting = []; // pieces of a streamed answer that the platform has not read yet, each with its callback
  #sleep = new Int32Array(new SharedArrayBuffer(4));
  #retry = null;
  #logged = 0;
  #unmarked = false;
  #peak = 0;
  #peakAt = -PEAK_MS;

  /** Write to this descriptor from here on. */
  open(descriptor) {
    this.#descriptor = descriptor;
    this.#logged = 0;
    this.#unmarked = false;
  }

  /** Peak resident memory in KiB, some milliseconds old at most. */
  #peakMemory() {
    const now = performance.now();
    if (now - this.#peakAt > PEAK_MS) {
      this.#peakAt = now;
      this.#peak = Math.floor(process.resourceUsage().maxRSS / KIB);
    }
    return this.#peak;
  }

  ready() {
    const frame = Buffer.allocUnsafe(9);
    this.#head(frame, 'R', 4);
    frame.writeUInt32BE(this.#peakMemory(), 5);
    this.#write(frame);
  }

  initFailed(document) {
    this.#text('I', '', document);
  }

  /** The end of an invocation: `kind` is O or E. With `last` the process ends with it. */
  answer(kind, text, last = false) {
    this.#text(last ? 'X' : kind, last ? kind : '', text, true);
    this.answered?.();
  }

  /** A frame with, perhaps, the peak memory, a letter `prefix`, and text. */
  #text(kind, prefix, text, peak = false) {
    const start = 5 + (peak ? 4 : 0) + prefix.length;
    let frame = this.#small;
    let end;
    if (start + text.length * 3 <= SMALL) {
      end = start + frame.write(text, start);
    } else {
      end = start + Buffer.byteLength(text);
      frame = Buffer.allocUnsafe(end);
      frame.write(text, start);
    }
    this.#head(frame, kind, end - 5);
    if (peak) frame.writeUInt32BE(this.#peakMemory(), 5);
    if (prefix) frame.write(prefix, start - 1);
    this.#write(frame, end);
  }

  #head(frame, kind, length) {
    frame[0] = kind.charCodeAt(0);
    frame.writeUInt32BE(length, 1);
  }

  /** One log event, whatever it contains. */
  log(message, milliseconds) {
    let text = Buffer.from(message);
    if (text.length > LARGEST_LOG) text = text.subarray(0, LARGEST_LOG);
    const frame = Buffer.allocUnsafe(13 + text.length);
    this.#head(frame, 'L', 8 + text.length);
    const microseconds = milliseconds * 1000;
    frame.writeUInt32BE(Math.floor(microseconds / 2 ** 32), 5);
    frame.writeUInt32BE(microseconds % 2 ** 32, 9);
    text.copy(frame, 13);
    this.#write(frame);
    this.#logged = (this.#logged + 1) % 2 ** 32;
    this.#unmarked = true;
  }

  /** Before something is printed: tell the platform which log events it comes after. */
  mark() {
    if (!this.#unmarked) return;
    this.#unmarked = false;
    writeFully(1, Buffer.from(`\0lambent:${this.#logged.toString(16).padStart(8, '0')}\0`), this.#sleep);
  }

  beginStream(contentType) {
    this.#text('H', '', contentType);
  }

  /** A piece of the answer; `done` is called when the platform has taken it. */
  chunk(data, done) {
    for (let start = 0; start < data.length; start += LARGEST_CHUNK) {
      const piece = data.subarray(start, start + LARGEST_CHUNK);
      const frame = Buffer.allocUnsafe(5 + piece.length);
      this.#head(frame, 'C', piece.length);
      frame.set(piece, 5);
      this.#waiting.push({ frame, done: start + LARGEST_CHUNK < data.length ? null : done });
    }
    if (!data.length) this.#waiting.push({ frame: Buffer.alloc(0), done });
    if (this.#retry === null) this.#passOn(0);
  }

  /** Write what waits, as far as the socket takes it; what is left is tried again. */
  #passOn(attempt) {
    this.#retry = null;
    const done = [];
    while (this.#waiting.length) {
      const first = this.#waiting[0];
      const written = writeSome(this.#descriptor, first.frame);
      if (written < first.frame.length) {
        first.frame = first.frame.subarray(written);
        // The other side may be waiting for its own client: not for this process to spin.
        const next = written ? 0 : attempt + 1;
        this.#retry = next < 4 ? setImmediate(() => this.#passOn(next)) : setTimeout(() => this.#passOn(next), Math.min(next - 3, 10));
        break;
      }
      this.#waiting.shift();
      if (first.done) done.push(first.done);
    }
    for (const call of done) call();
  }

  /** Write what waits and wait for the platform to take it: the process is about to end. */
  flush() {
    for (const { frame } of this.#waiting) writeFully(this.#descriptor, frame, this.#sleep);
    this.#waiting.length = 0;
  }

  #write(frame, end = frame.length) {
    const whole = end === frame.length ? frame : frame.subarray(0, end);
    if (this.#waiting.length) {
      this.#waiting.push({ frame: Buffer.from(whole), done: null }); // after what the platform has not taken yet
    } else {
      writeFully(this.#descriptor, whole, this.#sleep);
    }
  }
}

/** How many bytes a descriptor that may not block has taken. */
function writeSome(descriptor, data) {
  let written = 0;
  while (written < data.length) {
    try {
      written += fs.writeSync(descriptor, data, written);
    } catch (error) {
      if (error.code === 'EAGAIN') break;
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET') process.exit(0); // the platform is gone
      throw error;
    }
  }
  return written;
}

function writeFully(descriptor, data, sleep) {
  let left = data.subarray(writeSome(descriptor, data));
  for (let milliseconds = 0.05; left.length; milliseconds = Math.min(milliseconds * 1.5, 5)) {
    Atomics.wait(sleep, 0, 0, milliseconds);
    left = left.subarray(writeSome(descriptor, left));
  }
}

module.exports = { channel: new Channel() };

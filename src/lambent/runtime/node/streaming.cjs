// Answers that handlers write piece by piece.

'use strict';

const { Writable } = require('node:stream');

const { channel } = require('./channel.cjs');
const { RuntimeError } = require('./errors.cjs');
const { HIGH_WATER_MARK, STREAMING } = require('./handler.cjs');
const { InvokeStore } = require('./store.cjs');
const { PROMISES_ONLY } = require('./version.cjs');

const PLAIN = 'application/octet-stream';
const HTTP = 'application/vnd.awslambda.http-integration-response';

/** What a streaming handler writes to. */
class ResponseStream extends Writable {
  #contentType = PLAIN;
  #begun = false;

  constructor(highWaterMark) {
    super({ highWaterMark, decodeStrings: true });
  }

  setContentType(contentType) {
    if (this.#begun) throw new RuntimeError('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    this.#contentType = contentType;
  }

  write(data, ...more) {
    const sent = typeof data === 'string' || data instanceof Uint8Array ? data : JSON.stringify(data);
    this.begin();
    return super.write(sent, ...more);
  }

  end(data, ...more) {
    if (data === undefined || data === null || typeof data === 'function') {
      this.begin();
      return super.end(data, ...more);
    }
    this.write(data);
    return super.end(...more.filter((value) => typeof value === 'function'));
  }

  /** Begin to answer, unless that has been done. */
  begin() {
    if (this.#begun) return;
    this.#begun = true;
    channel.beginStream(String(this.#contentType));
    this._onBeforeFirstWrite?.((data) => super.write(data));
  }

  _write(data, _encoding, done) {
    channel.chunk(data, done);
  }
}

/** For answers to HTTP requests: status, headers and cookies first, as JSON, then eight zero bytes, then the body. */
class HttpResponseStream {
  static from(stream, prelude) {
    stream.setContentType(HTTP);
    const head = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(head);
      write(new Uint8Array(8));
    };
    return stream;
  }
}

/** Give functions what the managed runtimes have in `awslambda`. */
function defineGlobals() {
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = 'response';
      if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    HttpResponseStream,
    ...(PROMISES_ONLY && { InvokeStore: new InvokeStore() }),
  };
}

module.exports = { ResponseStream, defineGlobals };

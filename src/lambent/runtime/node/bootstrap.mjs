// The runtime of Node functions: finds the handler, then answers invocations until the platform hangs up.
//
// Its supervisor (host/supervisor.py) starts it before it is known what it is for, or, when a function sets
// variables that Node reads only when it starts, for that function. Descriptor 4 is a pipe that INIT comes from,
// descriptor 3 the environment's socket, whose frames are described in python/channel.py and
// lambent/execution/frames.py.
//
// Behaviour and wording are those of Lambda's managed runtimes: of Node 18 to 22 (handlers may call back, the
// invocation ends when the event loop is empty), and of Node 24, which has promises only and installs no handlers
// for uncaught errors.

import fs from 'node:fs';
import { createRequire, Module } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import util from 'node:util';

const SOCKET = 3;
const INIT = 4;
const REHEARSAL = [5, 6];
const PROMISES_ONLY = Number(process.versions.node.split('.')[0]) >= 24;

// ---------------------------------------------------------------- frames to the platform

const SMALL = 65_536;
const LARGEST_CHUNK = 1_048_576;
const LARGEST_LOG = 1_048_568;
const PEAK_MS = 5;
const KIB = process.platform === 'linux' ? 1 : 1024; // maxRSS is in bytes on macOS

/** The environment's end of its socket. Frames are written at once, so that nothing is lost when user code exits. */
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

  constructor(descriptor) {
    this.#descriptor = descriptor;
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

  #write(frame, end = frame.length) {
    while (this.#waiting.length) {
      writeFully(this.#descriptor, this.#waiting[0].frame, this.#sleep);
      const { done } = this.#waiting.shift();
      if (done) process.nextTick(done);
    }
    writeFully(this.#descriptor, end === frame.length ? frame : frame.subarray(0, end), this.#sleep);
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
  let written = writeSome(descriptor, data);
  while (written < data.length) {
    Atomics.wait(sleep, 0, 0, 0.05);
    written += writeSome(descriptor, data.subarray(written));
  }
}

// ---------------------------------------------------------------- invocations from the platform

const HEAD = 54; // payload length, deadline, request id, trace length, extra length
const LARGEST_KEPT = 262_144;

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
        buffer: Buffer.allocUnsafeSlow(SMALL),
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

// ---------------------------------------------------------------- errors

class RuntimeError extends Error {
  constructor(type, message) {
    super(message);
    const name = `Runtime.${type}`;
    if (PROMISES_ONLY) {
      this.name = name;
    } else {
      // There the name is no member of the error's own, and the stack begins with it.
      Object.defineProperty(this, 'name', { value: name, configurable: true, writable: true });
      Error.captureStackTrace(this, RuntimeError);
    }
  }
}

const UNREADABLE =
  'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack';
const NEVER_SETTLED =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. ' +
  'For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes';
const CALLBACKS_REMOVED =
  'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. ' +
  'You need to modify this function to use a supported handler signature to use Node.js 24 or later. ' +
  'For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';
const CALLBACKS_WILL_BE_REMOVED =
  'AWS Lambda plans to remove support for callback-based function handlers starting with Node.js 24. ' +
  'You will need to update this function to use an async handler to use Node.js 24 or later. ' +
  'For more information and to provide feedback on this change, ' +
  'see https://github.com/aws/aws-lambda-nodejs-runtime-interface-client/issues/137. ' +
  'To disable this warning, set the AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING environment variable.';

const escaped = (text) => text?.replaceAll('\x7F', '%7F');
const looksLikeError = (value) =>
  ['name', 'message', 'stack'].every((name) => value?.[name] && typeof value[name] === 'string');

/** What Lambda tells callers about a thrown value, as JSON. */
function errorDocument(error) {
  let told;
  try {
    if (util.types.isNativeError(error) || looksLikeError(error)) {
      told = { errorType: escaped(error.name), errorMessage: escaped(error.message), trace: escaped(error.stack).split('\n') };
    } else {
      told = { errorType: typeof error, errorMessage: error.toString(), trace: [] };
    }
    return JSON.stringify(told);
  } catch {
    return JSON.stringify({ errorType: 'handled', errorMessage: UNREADABLE, ...(PROMISES_ONLY && { trace: [] }) });
  }
}

/** An error and everything it carries on one line, for the log. */
function errorLine(error) {
  try {
    return `\t${JSON.stringify(error, (_, value) => (value instanceof Error ? errorMembers(value) : value))}`;
  } catch {
    return `\t${errorDocument(error)}`;
  }
}

function errorMembers(error) {
  const members = { errorType: error.name, errorMessage: error.message, code: error.code, ...error };
  if (typeof error.stack === 'string') members.stack = error.stack.split('\n');
  return members;
}

function logError(what, thrown) {
  const error = thrown instanceof Error ? thrown : new Error(thrown);
  if (jsonLogs) console.error(error);
  else console.error(what, errorLine(error));
}

// ---------------------------------------------------------------- the log

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const UNKNOWN = PROMISES_ONLY ? '-' : undefined;
const current = { id: UNKNOWN, tenant: undefined };
let jsonLogs = false;

function textLine(time, level, values) {
  return `${time}\t${current.id}\t${level}\t${util.format(...values)}\n`;
}

function jsonLine(time, level, values) {
  const record = { timestamp: time, level, requestId: current.id };
  if (current.tenant !== undefined) record.tenantId = current.tenant;
  if (values.length === 1) {
    try {
      return JSON.stringify({ ...record, message: values[0] }, (_, value) => (value instanceof Error ? loggedError(value) : value));
    } catch {
      return JSON.stringify({ ...record, message: util.format(values[0]) });
    }
  }
  record.message = util.format(...values);
  const error = values.find((value) => value instanceof Error);
  if (error !== undefined) {
    const { errorType, errorMessage, stackTrace } = loggedError(error);
    Object.assign(record, { errorType, errorMessage, stackTrace: stackTrace ?? [] });
  }
  return JSON.stringify(record);
}

function loggedError(error) {
  return {
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : error.stack,
    ...error,
  };
}

/** Let console write log events, in the format and from the level on that the variables name. */
function patchConsole() {
  jsonLogs = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
  const line = jsonLogs ? jsonLine : textLine;
  const lowest = Math.max(LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()), 0);
  LEVELS.forEach((level, priority) => {
    // At least one value: what is not given is logged as undefined, as in Lambda.
    const write = (message, ...more) => {
      const now = new Date();
      channel.log(line(now.toISOString(), level, [message, ...more]), now.getTime());
    };
    console[level.toLowerCase()] = priority >= lowest ? write : () => {};
  });
  console.log = console.info;
}

/** Keep what is written to standard output and error in order with what is logged. */
function markOutput(name) {
  const original = Object.getOwnPropertyDescriptor(process, name);
  let stream;
  Object.defineProperty(process, name, {
    ...original,
    get() {
      if (stream === undefined) {
        stream = original.get.call(process);
        const write = stream.write;
        stream.write = function (...values) {
          channel.mark();
          return write.apply(this, values);
        };
      }
      return stream;
    },
  });
}

// ---------------------------------------------------------------- the handler

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

/** The function that "folder/file.name.method" names, and how it is to be called. */
async function findHandler(root, handler) {
  if (handler.includes('..')) {
    throw new RuntimeError(
      'MalformedHandlerName',
      `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(handler);
  const folder = handler.slice(0, handler.indexOf(base));
  const dot = base.indexOf('.');
  if (dot < 0) throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  const name = base.slice(0, dot);
  let module;
  try {
    module = await (PROMISES_ONLY ? importModule : loadModule)(root, folder, name);
  } catch (error) {
    if (error instanceof SyntaxError) {
      const wrapped = new RuntimeError('UserCodeSyntaxError', String(error));
      if (PROMISES_ONLY) wrapped.stack = error.stack;
      throw wrapped;
    }
    if (error?.code === 'MODULE_NOT_FOUND') throw new RuntimeError('ImportModuleError', String(error));
    throw error;
  }
  const members = base.slice(dot + 1).split('.');
  let found = members.reduce((object, member) => object && object[member], module);
  if (!found && PROMISES_ONLY) found = members.reduce((object, member) => object && object[member], module?.default);
  if (!found) throw new RuntimeError('HandlerNotFound', `${handler} is undefined or not exported`);
  if (typeof found !== 'function') throw new RuntimeError('HandlerNotFound', `${handler} is not a function`);
  if (found[STREAMING] && found[STREAMING] !== 'response') {
    throw new RuntimeError('MalformedStreamingHandler', 'Only response streaming is supported.');
  }
  return found;
}

/** Until Node 22 files of CommonJS are required, and how a .js file is loaded depends on package.json alone. */
async function loadModule(root, folder, name) {
  const require = createRequire(`${process.env.LAMBDA_RUNTIME_DIR}/index.mjs`);
  const file = path.resolve(root, folder, name);
  if (fs.existsSync(file)) {
    const module = require(file);
    if (module) return module;
  }
  const isModule = isModuleFolder(path.dirname(file)) && fs.existsSync(`${file}.js`);
  const attempts = [
    ['.js', isModule],
    ['.mjs', true],
    ['.cjs', false],
  ];
  for (const [extension, imported] of attempts) {
    if (fs.existsSync(file + extension)) {
      const module = imported ? await import(pathToFileURL(file + extension)) : require(file + extension);
      if (module) return module;
    }
  }
  return require(require.resolve(name, { paths: [root, folder] }));
}

async function importModule(root, folder, name) {
  const require = createRequire(`${process.env.LAMBDA_RUNTIME_DIR}/index.mjs`);
  const file = path.resolve(root, folder, name);
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    if (fs.existsSync(file + extension)) return import(pathToFileURL(file + extension));
  }
  return require(require.resolve(name, { paths: [root, path.join(root, folder)] }));
}

/** Whether the nearest package.json says that .js files are ES modules. */
function isModuleFolder(folder) {
  for (let at = folder; !at.endsWith('/node_modules'); at = path.dirname(at)) {
    const file = path.join(at, 'package.json');
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module';
      } catch (error) {
        console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    if (at === path.dirname(at)) return false;
  }
  return false;
}

// ---------------------------------------------------------------- streamed answers

const PLAIN = 'application/octet-stream';
const HTTP = 'application/vnd.awslambda.http-integration-response';

/** What a streaming handler writes to. */
class ResponseStream extends Writable {
  #contentType = PLAIN;
  #begun = false;

  constructor(highWaterMark) {
    super({ highWaterMark, decodeStrings: true });
  }

  get begun() {
    return this.#begun;
  }

  setContentType(contentType) {
    if (this.#begun) throw new RuntimeError('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    this.#contentType = contentType;
  }

  write(data, ...more) {
    const sent = typeof data === 'string' || data instanceof Uint8Array ? data : JSON.stringify(data);
    this.#begin();
    return super.write(sent, ...more);
  }

  end(data, ...more) {
    this.#begin();
    if (data === undefined || data === null || typeof data === 'function') return super.end(data, ...more);
    return super.end(typeof data === 'string' || data instanceof Uint8Array ? data : JSON.stringify(data), ...more);
  }

  #begin() {
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

/** What an invocation's code can ask about it wherever it runs (the managed runtime of Node 24 has it). */
class InvokeStore {
  static PROTECTED_KEYS = {
    REQUEST_ID: Symbol.for('_AWS_LAMBDA_REQUEST_ID'),
    X_RAY_TRACE_ID: Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID'),
    TENANT_ID: Symbol.for('_AWS_LAMBDA_TENANT_ID'),
  };

  #context;

  getContext() {
    return this.#context;
  }

  hasContext() {
    return this.#context !== undefined;
  }

  get(key) {
    return this.#context?.[key];
  }

  set(key, value) {
    if (Object.values(InvokeStore.PROTECTED_KEYS).includes(key)) {
      throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    }
    this.#context = { ...this.#context, [key]: value };
  }

  getRequestId() {
    return this.get(InvokeStore.PROTECTED_KEYS.REQUEST_ID) ?? '-';
  }

  getXRayTraceId() {
    return this.get(InvokeStore.PROTECTED_KEYS.X_RAY_TRACE_ID);
  }

  getTenantId() {
    return this.get(InvokeStore.PROTECTED_KEYS.TENANT_ID);
  }

  run(context, call) {
    this.#context = context;
    return call();
  }
}

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

// ---------------------------------------------------------------- the loop

/** Answers invocations, one after the other. */
class Runtime {
  #answer = null; // [kind, text], decided but not yet sent
  #running = false;
  #whenLoopIsEmpty = () => {};
  #trace;
  #inbox;
  #arn;

  constructor(arn) {
    this.#arn = arn;
  }

  /** Report errors that nobody catches, and what was decided before the process ends. */
  watch() {
    if (!PROMISES_ONLY) {
      process.on('uncaughtException', (error) => {
        logError('Uncaught Exception', error);
        this.#crash(error, 129);
      });
      process.on('unhandledRejection', (reason, promise) => {
        const error = Object.assign(new RuntimeError('UnhandledPromiseRejection', String(reason)), { reason, promise });
        logError('Unhandled Promise Rejection', error);
        this.#crash(error, 128);
      });
      process.on('beforeExit', () => this.#whenLoopIsEmpty());
    }
    process.on('exit', () => this.#sendLast());
  }

  /** Load the handler and say that invocations may come. */
  async start(descriptor, root, name) {
    this.handler = await findHandler(root, name);
    const { handler } = this;
    this.streams = Boolean(handler[STREAMING]);
    this.isAsync = handler.constructor?.name === 'AsyncFunction';
    if (handler.length >= 3 && !this.streams) {
      if (PROMISES_ONLY) throw new RuntimeError('CallbackHandlerDeprecated', CALLBACKS_REMOVED);
      if (handler.length === 3 && !this.isAsync && process.env.AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING === undefined) {
        console.warn(CALLBACKS_WILL_BE_REMOVED);
      }
    }
    this.#inbox = new Inbox(descriptor, (invocation) => this.#begin(invocation));
    channel.ready();
  }

  close() {
    this.#inbox.close();
  }

  /** Report that the handler could not be loaded. */
  initFailed(error) {
    logError(PROMISES_ONLY ? 'Init Error' : 'Uncaught Exception', error);
    noteMissingSdk(error);
    channel.initFailed(errorDocument(error));
    process.exit(PROMISES_ONLY ? 1 : 129);
  }

  #begin(invocation) {
    this.#running = true;
    this.#inbox.hold();
    current.id = invocation.id;
    current.tenant = invocation.extra.tenant_id;
    if (invocation.trace !== this.#trace) {
      this.#trace = invocation.trace;
      if (invocation.trace) process.env._X_AMZN_TRACE_ID = invocation.trace;
      else delete process.env._X_AMZN_TRACE_ID;
    }
    if (this.streams) this.handleOnceStreaming(invocation);
    else if (PROMISES_ONLY) this.handleOncePromised(invocation);
    else this.handleOnceNonStreaming(invocation);
  }

  // The names of these methods show in stack traces, as they do in Lambda.

  handleOnceNonStreaming(invocation) {
    const [callback, settling] = this.#callbacks();
    this.#whenLoopIsEmpty = () => {
      settling.completed = true;
      this.#whenLoopIsEmpty = () => {};
      if (this.isAsync) this.#fail(new RuntimeError('NodeJsExit', NEVER_SETTLED));
      else this.#succeed(null);
    };
    try {
      const event = JSON.parse(invocation.payload);
      const context = Object.assign(settling.context, this.#contextMembers(invocation));
      const result = this.handler(event, context, callback);
      if (typeof result?.then === 'function') {
        result.then(settling.context.succeed, settling.context.fail).catch(settling.context.fail);
      }
    } catch (error) {
      callback(error);
    }
  }

  async handleOncePromised(invocation) {
    try {
      const context = this.#contextMembers(invocation);
      const event = JSON.parse(invocation.payload);
      this.#succeed(await this.#inStore(invocation, () => this.handler(event, context)));
    } catch (error) {
      this.#fail(error);
    }
  }

  async handleOnceStreaming(invocation) {
    const stream = new ResponseStream(this.handler[HIGH_WATER_MARK]);
    const finished = new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject));
    finished.catch(() => {}); // it is looked at when the handler is through
    let waits = true;
    this.#whenLoopIsEmpty = () => this.#fail('Response stream is not finished.');
    try {
      const members = this.#contextMembers(invocation);
      if (!PROMISES_ONLY) {
        Object.defineProperty(members, 'callbackWaitsForEmptyEventLoop', {
          get: () => waits,
          set: (value) => (waits = value),
          enumerable: true,
        });
      }
      const event = JSON.parse(invocation.payload);
      const result = this.#inStore(invocation, () => this.handler(event, stream, members));
      if (typeof result?.then !== 'function') throw unsupported('Streaming does not support non-async handlers.');
      if ((await result) !== undefined) console.warn('Streaming handlers ignore return values.');
      if (stream.destroyed && !stream.writableFinished) throw unsupported('Response stream is not finished.');
      await finished;
      if (PROMISES_ONLY || !waits) this.#finish('O', '');
      else this.#whenLoopIsEmpty = () => this.#finish('O', '');
    } catch (error) {
      this.#fail(error);
    }
  }

  #inStore(invocation, call) {
    const store = globalThis.awslambda?.InvokeStore;
    if (!(store instanceof InvokeStore)) return call();
    const { REQUEST_ID, X_RAY_TRACE_ID, TENANT_ID } = InvokeStore.PROTECTED_KEYS;
    const { id, trace, extra } = invocation;
    return store.run({ [REQUEST_ID]: id, [X_RAY_TRACE_ID]: trace || undefined, [TENANT_ID]: extra.tenant_id }, call);
  }

  /** The callback of an invocation, and {context: what settles it, completed: whether it was given up}. */
  #callbacks() {
    let waits = true;
    let settled = false;
    const settling = { completed: false };
    // One that throws, because its result cannot be sent, has not settled anything.
    const once =
      (settle) =>
      (...values) => {
        if (settled) return;
        settle(...values);
        settled = true;
      };
    const complete = (result) => {
      if (settling.completed) {
        console.error('Invocation has already been reported as done. Cannot call complete more than once per invocation.');
        return;
      }
      settling.completed = true;
      this.#succeed(result);
    };
    const given = (value) => value !== undefined && value !== null;
    const done = (error, result) => {
      this.#whenLoopIsEmpty = () => {};
      if (given(error)) this.#fail(error);
      else complete(result);
    };
    const callback = (error, result) => {
      if (given(error) || !waits) {
        done(error, result);
        return;
      }
      this.#whenLoopIsEmpty = () => {
        this.#whenLoopIsEmpty = () => {};
        setImmediate(() => complete(result));
      };
    };
    settling.context = {
      get callbackWaitsForEmptyEventLoop() {
        return waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waits = value;
      },
      succeed: once((result) => done(null, result)),
      fail: once((error) => (given(error) ? done(error) : done('handled'))),
      done: once(done),
    };
    return [once(callback), settling];
  }

  #contextMembers({ id, deadline, trace, extra }) {
    const { env } = process;
    const environment = {
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    };
    const request = {
      clientContext: parsed(extra.client_context, 'ClientContext'),
      identity: parsed(extra.cognito_identity, 'CognitoIdentity'),
      invokedFunctionArn: extra.arn ?? this.#arn,
      awsRequestId: id,
      tenantId: extra.tenant_id,
      ...(PROMISES_ONLY && { xRayTraceId: trace || undefined }),
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    return { ...environment, ...request };
  }

  #succeed(result) {
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result);
    } catch {
      throw PROMISES_ONLY
        ? new RuntimeError('JSONStringifyError', 'Unable to stringify response body')
        : new Error('Unable to stringify response body');
    }
    if (text === undefined) throw new TypeError('Wrong arguments'); // a function or a symbol
    this.#finish('O', text);
  }

  #fail(error) {
    logError('Invoke Error', error);
    noteMissingSdk(error);
    this.#finish('E', errorDocument(error));
  }

  /** Send the answer when what has happened by now has had its consequences: an error that nobody caught is one. */
  #finish(kind, text) {
    this.#whenLoopIsEmpty = () => {};
    this.#answer = [kind, text];
    setImmediate(() => {
      this.#answer = null;
      this.#running = false;
      this.#inbox.resume();
      channel.answer(kind, text);
    });
  }

  /** An error that nobody caught: it is the answer, unless there is one, and the process ends. */
  #crash(error, status) {
    if (this.#inbox === undefined) {
      channel.initFailed(errorDocument(error));
    } else if (this.#running) {
      this.#answer ??= ['E', errorDocument(error)];
    }
    process.exit(status);
  }

  #sendLast() {
    if (this.#answer !== null) {
      const [kind, text] = this.#answer;
      this.#answer = null;
      channel.answer(kind, text, true);
    }
  }
}

/** An error of a streaming handler in the form that each managed runtime reports it in. */
function unsupported(message) {
  return PROMISES_ONLY ? new Error(message) : message;
}

function parsed(text, name) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

/** Lambda's managed runtimes bring AWS's SDK; a machine has it only where somebody has installed it. */
function noteMissingSdk(error) {
  const missing = /Cannot find (?:module|package) '((?:@aws-sdk\/|@smithy\/)[^']*)'/.exec(String(error?.message));
  if (missing) {
    channel.log(
      `[lambent] ${missing[1]} is part of the managed runtimes on AWS. Here, put it into the deployment package or a layer, ` +
        'or install it for all functions: see "lambent doctor".\n',
      Date.now(),
    );
  }
}

// ---------------------------------------------------------------- beginning

/** An INIT document; ends the process when there is none to come. */
function readInit(descriptor) {
  const read = (count) => {
    const data = Buffer.allocUnsafe(count);
    for (let filled = 0; filled < count; ) {
      const more = fs.readSync(descriptor, data, filled, count - filled, null);
      if (!more) process.exit(0);
      filled += more;
    }
    return data;
  };
  return JSON.parse(read(read(4).readUInt32BE(0)).toString());
}

function adopt(variables) {
  const { env } = process;
  for (const name of Object.keys(env)) if (!(name in variables)) delete env[name];
  const modules = env.NODE_PATH;
  Object.assign(env, variables);
  if (env.NODE_PATH !== modules) Module._initPaths();
}

async function begin(descriptor, init) {
  channel = new Channel(descriptor);
  adopt(init.env);
  process.chdir(process.env.LAMBDA_TASK_ROOT);
  patchConsole();
  defineGlobals();
  const runtime = new Runtime(init.arn);
  const started = runtime.start(descriptor, process.env.LAMBDA_TASK_ROOT, init.handler);
  if (descriptor === SOCKET) {
    runtime.watch();
    started.catch((error) => runtime.initFailed(error));
  }
  await started;
  return runtime;
}

/** Go through an environment's life once, on sockets of our own: what runs for the first time is compiled and takes
 *  ten times as long. */
async function rehearse([ours, platforms]) {
  const env = { LAMBDA_TASK_ROOT: path.dirname(fileURLToPath(import.meta.url)), LAMBDA_RUNTIME_DIR: '/var/runtime', ...process.env };
  const document = Buffer.from(`1234${JSON.stringify({ handler: 'rehearsal.handler', env })}`);
  document.writeUInt32BE(document.length - 4, 0);
  fs.writeSync(platforms, document);
  const runtime = await begin(ours, readInit(ours));
  const payload = Buffer.from('{"key": "value", "list": [1, null, true]}');
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(payload.length, 0);
  for (const required of [false, true]) {
    const answered = new Promise((resolve) => (channel.answered = resolve));
    fs.writeSync(platforms, Buffer.concat([head, payload]));
    await answered;
    if (!required) await findHandler(env.LAMBDA_TASK_ROOT, 'required.handler');
  }
  runtime.close();
  fs.closeSync(platforms);
  current.id = UNKNOWN;
}

let channel;
markOutput('stdout');
markOutput('stderr');
if (process.env._LAMBENT_REHEARSES) await rehearse(REHEARSAL);
const init = readInit(INIT);
fs.closeSync(INIT);
begin(SOCKET, init).catch(() => {}); // it has been reported

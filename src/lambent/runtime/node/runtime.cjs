// The loop: answers invocations, one after the other.

'use strict';

const { channel } = require('./channel.cjs');
const { current, logError } = require('./console.cjs');
const { CALLBACKS_REMOVED, CALLBACKS_WILL_BE_REMOVED, errorDocument, NEVER_SETTLED, RuntimeError } = require('./errors.cjs');
const { findHandler, HIGH_WATER_MARK, STREAMING } = require('./handler.cjs');
const { Inbox } = require('./inbox.cjs');
const { heard } = require('./responses.cjs');
const { InvokeStore } = require('./store.cjs');
const { ResponseStream } = require('./streaming.cjs');
const { PROMISES_ONLY } = require('./version.cjs');

/** Answers invocations, one after the other. */
class Runtime {
  #answer = null; // [kind, text], decided but not yet sent
  #running = null; // the invocation that has not been answered
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
        const error = Object.assign(new RuntimeError('UnhandledPromiseRejection', reason), { reason, promise });
        logError('Unhandled Promise Rejection', error);
        this.#crash(error, 128);
      });
      process.on('beforeExit', () => this.#whenLoopIsEmpty());
      process.on('exit', () => this.#sendLast());
    }
    process.on('exit', () => channel.flush());
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
    this.#running = invocation;
    this.#inbox.hold();
    current.id = invocation.id;
    current.tenant = invocation.extra.tenant_id;
    if (invocation.trace !== this.#trace) {
      this.#trace = invocation.trace;
      if (invocation.trace) process.env._X_AMZN_TRACE_ID = invocation.trace;
      else delete process.env._X_AMZN_TRACE_ID;
    }
    if (PROMISES_ONLY) {
      if (this.streams) this.handleOnceStreaming(invocation);
      else this.handleOncePromised(invocation);
    } else {
      (this.streams ? this.handleOnceStreaming(invocation) : this.handleOnceNonStreaming(invocation)).catch((error) => {
        console.log(`Unexpected Top Level Error: ${error.toString()}`);
        this.#crash(error, 129);
      });
    }
  }

  // The names of these methods show in stack traces, as they do in Lambda: theirs alone, because nothing of a trace
  // is left of what comes before the first await.

  async handleOnceNonStreaming(invocation) {
    await null;
    const [callback, settling] = this.#callbacks(invocation);
    this.#whenLoopIsEmpty = () => {
      settling.completed = true;
      this.#whenLoopIsEmpty = () => {};
      if (this.isAsync) this.#fail(invocation, new RuntimeError('NodeJsExit', NEVER_SETTLED));
      else this.#succeed(invocation, null);
    };
    try {
      const event = heard(JSON.parse(invocation.payload));
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
    await null;
    const context = this.#contextMembers(invocation);
    const event = heard(JSON.parse(invocation.payload));
    try {
      this.#succeed(invocation, await this.#inStore(invocation, () => this.handler(event, context)));
    } catch (error) {
      this.#fail(invocation, error);
    }
  }

  async handleOnceStreaming(invocation) {
    const stream = new ResponseStream(this.handler[HIGH_WATER_MARK]);
    const finished = new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject));
    finished.catch(() => {}); // it is looked at when the handler is through
    this.#whenLoopIsEmpty = () => this.#failStream(invocation, stream, 'Response stream is not finished.');
    const members = PROMISES_ONLY ? {} : { callbackWaitsForEmptyEventLoop: true };
    await null;
    try {
      Object.assign(members, this.#contextMembers(invocation));
      const event = heard(JSON.parse(invocation.payload));
      const result = this.#inStore(invocation, () => this.handler(event, stream, members));
      if (typeof result?.then !== 'function') throw unsupported('Streaming does not support non-async handlers.');
      if ((await result) !== undefined) console.warn('Streaming handlers ignore return values.');
      if (stream.destroyed && !stream.writableFinished) throw stream.errored ?? unsupported('Response stream is not finished.');
      await finished;
      this.#finishStream(invocation, members);
    } catch (error) {
      this.#failStream(invocation, stream, error);
    }
  }

  #finishStream(invocation, members) {
    if (!members.callbackWaitsForEmptyEventLoop) this.#finish(invocation, 'O', '');
    else this.#whenLoopIsEmpty = () => this.#finish(invocation, 'O', '');
  }

  #failStream(invocation, stream, error) {
    if (stream.writableEnded && !stream.errored) {
      // All of it is on its way: the error comes too late for the caller.
      logError('Invoke Error', error);
      this.#finish(invocation, 'O', '');
      return;
    }
    stream.begin();
    this.#fail(invocation, error);
  }

  #inStore(invocation, call) {
    const store = globalThis.awslambda?.InvokeStore;
    if (!(store instanceof InvokeStore)) return call();
    const { REQUEST_ID, X_RAY_TRACE_ID, TENANT_ID } = InvokeStore.PROTECTED_KEYS;
    const { id, trace, extra } = invocation;
    return store.run({ [REQUEST_ID]: id, [X_RAY_TRACE_ID]: trace || undefined, [TENANT_ID]: extra.tenant_id }, call);
  }

  /** The callback of an invocation, and {context: what settles it, completed: whether it was given up}. */
  #callbacks(invocation) {
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
      this.#succeed(invocation, result);
    };
    const given = (value) => value !== undefined && value !== null;
    const done = (error, result) => {
      this.#whenLoopIsEmpty = () => {};
      if (given(error)) this.#fail(invocation, error);
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
    return PROMISES_ONLY ? { ...request, ...environment } : { ...environment, ...request };
  }

  #succeed(invocation, result) {
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result);
    } catch {
      throw PROMISES_ONLY
        ? new RuntimeError('JSONStringifyError', 'Unable to stringify response body')
        : new Error('Unable to stringify response body');
    }
    if (text === undefined) throw new TypeError('Wrong arguments'); // a function or a symbol
    this.#finish(invocation, 'O', text);
  }

  #fail(invocation, error) {
    logError('Invoke Error', error);
    noteMissingSdk(error);
    this.#finish(invocation, 'E', errorDocument(error));
  }

  /** Send the answer when what has happened by now has had its consequences: an error that nobody caught is one. */
  #finish(invocation, kind, text) {
    // Code may settle an invocation that has its answer, as late as while the next one runs.
    if (this.#running !== invocation || this.#answer !== null) return;
    this.#whenLoopIsEmpty = () => {};
    this.#answer = [kind, text];
    setImmediate(() => {
      this.#answer = null;
      this.#running = null;
      this.#inbox.resume();
      channel.answer(kind, text);
    });
  }

  /** An error that nobody caught: it is the answer, unless there is one, and the process ends. */
  #crash(error, status) {
    if (this.#inbox === undefined) {
      channel.initFailed(errorDocument(error));
    } else if (this.#running !== null) {
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

module.exports = { Runtime };

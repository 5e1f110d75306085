// console and standard output: what a function logs and prints, in the managed runtimes' formats.

'use strict';

const util = require('node:util');

const { channel } = require('./channel.cjs');
const { errorLine } = require('./errors.cjs');
const { PROMISES_ONLY } = require('./version.cjs');

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
/** The request id of what is logged while nothing runs. */
const UNKNOWN = PROMISES_ONLY ? '-' : undefined;
/** What runs. */
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

/** Log an error of the function as Lambda does. */
function logError(what, thrown) {
  const error = thrown instanceof Error ? thrown : new Error(PROMISES_ONLY ? String(thrown) : thrown);
  if (jsonLogs) console.error(error);
  else console.error(what, errorLine(error));
}

module.exports = { UNKNOWN, current, patchConsole, markOutput, logError };

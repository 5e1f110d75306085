// Errors as Lambda's managed runtimes tell them.

'use strict';

const util = require('node:util');

const { PROMISES_ONLY } = require('./version.cjs');

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
const isError = (value) =>
  PROMISES_ONLY
    ? value instanceof Error
    : util.types.isNativeError(value) || ['name', 'message', 'stack'].every((name) => value?.[name] && typeof value[name] === 'string');

/** What Lambda tells callers about a thrown value, as JSON. */
function errorDocument(error) {
  let told;
  try {
    if (isError(error)) {
      told = { errorType: escaped(error.name), errorMessage: escaped(error.message), trace: escaped(error.stack).split('\n') };
    } else {
      told = { errorType: typeof error, errorMessage: PROMISES_ONLY ? String(error) : error.toString(), trace: [] };
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

module.exports = { RuntimeError, NEVER_SETTLED, CALLBACKS_REMOVED, CALLBACKS_WILL_BE_REMOVED, errorDocument, errorLine };

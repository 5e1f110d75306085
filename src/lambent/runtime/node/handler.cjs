// Finding the handler.

'use strict';

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const { RuntimeError } = require('./errors.cjs');
const { PROMISES_ONLY } = require('./version.cjs');

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

module.exports = { STREAMING, HIGH_WATER_MARK, findHandler };

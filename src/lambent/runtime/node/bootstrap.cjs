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
//
// These files are CommonJS because Node loads ten such files as fast as a single ES module, and an ES module more
// takes it half a millisecond; the loader for ES modules itself 5 ms, which is for those who need it.

'use strict';

const fs = require('node:fs');
const { Module } = require('node:module');
const { pathToFileURL } = require('node:url');

const { channel } = require('./channel.cjs');
const { current, markOutput, patchConsole, UNKNOWN } = require('./console.cjs');
const { findHandler } = require('./handler.cjs');
const { HEAD } = require('./inbox.cjs');
const { Runtime } = require('./runtime.cjs');
const { defineGlobals } = require('./streaming.cjs');

const SOCKET = 3;
const INIT = 4;
const REHEARSAL = [5, 6];
const MODULES = 15;

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
  channel.open(descriptor);
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

/** Go through an environment's life once, on sockets of our own: what runs for the first time has to be compiled. */
async function rehearse([ours, platforms]) {
  const env = { LAMBDA_TASK_ROOT: __dirname, LAMBDA_RUNTIME_DIR: '/var/runtime', ...process.env };
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
  // What loads ES modules is asynchronous and large: it becomes quicker with each.
  for (let number = 0; number < MODULES; number++) await import(`${pathToFileURL(__filename)}/../rehearsal.mjs?${number}`);
  runtime.close();
  fs.closeSync(platforms);
  current.id = UNKNOWN;
}

async function main() {
  markOutput('stdout');
  markOutput('stderr');
  if (process.env._LAMBENT_REHEARSES) await rehearse(REHEARSAL);
  const init = readInit(INIT);
  fs.closeSync(INIT);
  begin(SOCKET, init).catch(() => {}); // it has been reported
}

main();

// Answers of custom resources. What AWS's own helpers send to a ResponseURL goes to its host at port 443 by TLS, with
// https.request({ hostname, path }): CDK's handlers and cfn-response do so. The platform's URLs are plain HTTP at its own
// port, so requests for them are sent there.

'use strict';

const PATH = '/_lambent/responses/';

let platform = null; // the URL that was told last

/** Look at an event that may be a custom resource's, and return it. Costs the others one look. */
function heard(event) {
  const url = event?.ResponseURL;
  if (typeof url === 'string' && url.startsWith('http:') && url.includes(PATH)) reach(new URL(url));
  return event;
}

function reach(url) {
  const first = platform === null;
  platform = url;
  if (!first) return;
  const http = require('node:http');
  const https = require('node:https');
  const { request } = https;
  https.request = function (...given) {
    const callback = typeof given.at(-1) === 'function' ? given.pop() : undefined;
    const options = {};
    for (const part of given) Object.assign(options, typeof part === 'string' || part instanceof URL ? parts(part) : part);
    const path = String(options.path ?? '');
    const host = String(options.hostname ?? options.host ?? '').split(':')[0];
    if (!path.startsWith(PATH) || host !== platform.hostname) return request.call(https, ...given, callback);
    const { hostname, port } = platform;
    return http.request({ ...options, protocol: 'http:', host: hostname, hostname, port, agent: undefined }, callback);
  };
  https.get = (...given) => https.request(...given).end();
  require('node:module').syncBuiltinESMExports();
}

function parts(url) {
  const { hostname, port, pathname, search } = new URL(url);
  return { hostname, port, path: pathname + search };
}

module.exports = { heard };

// Answers custom resources: what require('cfn-response') gives a function whose code is in a template.
'use strict';

const http = require('http');
const https = require('https');

exports.SUCCESS = 'SUCCESS';
exports.FAILED = 'FAILED';

// Resolves when the answer is sent, and ends the invocation as AWS's module does, with context.done.
exports.send = function (event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  const body = JSON.stringify({
    Status: responseStatus,
    Reason: `See the details in CloudWatch Log Stream: ${context.logStreamName}`,
    PhysicalResourceId: physicalResourceId || context.logStreamName,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: noEcho || false,
    Data: responseData,
  });
  const url = new URL(event.ResponseURL);
  const options = {
    method: 'PUT',
    headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) },
  };
  return new Promise((resolve) => {
    const finish = () => {
      if (typeof context.done === 'function') context.done();
      resolve();
    };
    const request = (url.protocol === 'http:' ? http : https).request(url, options, (response) => {
      console.log(`Status code: ${response.statusCode}`);
      response.resume();
      finish();
    });
    request.on('error', (error) => {
      console.log(`The response could not be sent: ${error.message}`);
      finish();
    });
    request.end(body);
  });
};

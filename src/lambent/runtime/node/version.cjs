
'use strict';
/** Whether this is a Node whose managed runtime has no callbacks and leaves uncaught errors to Node: from 24 on. */
const PROMISES_ONLY = Number(process.versions.node.split('.')[0]) >= 24;

module.exports = { PROMISES_ONLY };

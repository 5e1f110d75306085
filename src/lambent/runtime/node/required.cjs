// The same as CommonJS.

exports.handler = async (event) => event;

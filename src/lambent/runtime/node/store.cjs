// The invocation that runs, for code that has not been given its context.

'use strict';

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

module.exports = { InvokeStore };

package com.amazonaws.services.lambda.runtime;

/** For code that has no context. */
public final class LambdaRuntime {
    private LambdaRuntime() {}

    public static LambdaLogger getLogger() {
        return lambent.runtime.Log.SHARED;
    }
}

package com.amazonaws.services.lambda.runtime;

/** What a handler is told about its invocation and its environment. */
public interface Context {
    String getAwsRequestId();

    String getLogGroupName();

    String getLogStreamName();

    String getFunctionName();

    String getFunctionVersion();

    String getInvokedFunctionArn();

    /** Null without one. */
    CognitoIdentity getIdentity();

    /** Null without one. */
    ClientContext getClientContext();

    int getRemainingTimeInMillis();

    int getMemoryLimitInMB();

    LambdaLogger getLogger();

    /** Null without one. */
    default String getTenantId() {
        return null;
    }

    /** Null without one. */
    default String getXrayTraceId() {
        return null;
    }
}

package com.amazonaws.services.lambda.runtime;

/** Who has called, when it was through a Cognito identity pool. */
public interface CognitoIdentity {
    String getIdentityId();

    String getIdentityPoolId();
}

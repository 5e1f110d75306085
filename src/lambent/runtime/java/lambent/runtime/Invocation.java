package lambent.runtime;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** One invocation as it came; the context that handlers see. */
final class Invocation implements Context {
    final byte[] event;
    private final Map<String, String> headers;

    /** `headers` by their names in lower case. */
    Invocation(byte[] event, Map<String, String> headers) {
        this.event = event;
        this.headers = headers;
    }

    @Override
    public String getAwsRequestId() {
        return headers.get("lambda-runtime-aws-request-id");
    }

    @Override
    public String getInvokedFunctionArn() {
        return headers.get("lambda-runtime-invoked-function-arn");
    }

    @Override
    public String getXrayTraceId() {
        return headers.get("lambda-runtime-trace-id");
    }

    @Override
    public String getTenantId() {
        return headers.get("lambda-runtime-aws-tenant-id");
    }

    @Override
    public int getRemainingTimeInMillis() {
        long left = Long.parseLong(headers.get("lambda-runtime-deadline-ms")) - System.currentTimeMillis();
        return left > 0 ? (int) left : 0;
    }

    @Override
    public String getLogGroupName() {
        return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
    }

    @Override
    public String getLogStreamName() {
        return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
    }

    @Override
    public String getFunctionName() {
        return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
    }

    @Override
    public String getFunctionVersion() {
        return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
    }

    @Override
    public int getMemoryLimitInMB() {
        return Integer.parseInt(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
    }

    @Override
    public LambdaLogger getLogger() {
        return Log.SHARED;
    }

    @Override
    public CognitoIdentity getIdentity() {
        final Map<?, ?> identity = object("lambda-runtime-cognito-identity");
        return new CognitoIdentity() {
            @Override
            public String getIdentityId() {
                return identity == null ? "" : (String) identity.get("cognitoIdentityId");
            }

            @Override
            public String getIdentityPoolId() {
                return identity == null ? "" : (String) identity.get("cognitoIdentityPoolId");
            }
        };
    }

    @Override
    public ClientContext getClientContext() {
        final Map<?, ?> told = object("lambda-runtime-client-context");
        if (told == null) {
            return null;
        }
        final Map<?, ?> client = told.get("client") instanceof Map ? (Map<?, ?>) told.get("client") : new HashMap<>();
        return new ClientContext() {
            @Override
            public Client getClient() {
                return new ToldClient(client);
            }

            @Override
            public Map<String, String> getCustom() {
                return strings(told.get("custom"));
            }

            @Override
            public Map<String, String> getEnvironment() {
                return strings(told.get("env"));
            }
        };
    }

    private Map<?, ?> object(String header) {
        String text = headers.get(header);
        if (text == null) {
            return null;
        }
        Object value = Json.read(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        return value instanceof Map ? (Map<?, ?>) value : null;
    }

    private static Map<String, String> strings(Object value) {
        if (!(value instanceof Map)) {
            return null;
        }
        Map<String, String> strings = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
            strings.put((String) entry.getKey(), entry.getValue() == null ? null : entry.getValue().toString());
        }
        return strings;
    }

    private static final class ToldClient implements Client {
        private final Map<?, ?> told;

        ToldClient(Map<?, ?> told) {
            this.told = told;
        }

        private String get(String name) {
            Object value = told.get(name);
            return value == null ? null : value.toString();
        }

        @Override
        public String getInstallationId() {
            return get("installation_id");
        }

        @Override
        public String getAppTitle() {
            return get("app_title");
        }

        @Override
        public String getAppVersionName() {
            return get("app_version_name");
        }

        @Override
        public String getAppVersionCode() {
            return get("app_version_code");
        }

        @Override
        public String getAppPackageName() {
            return get("app_package_name");
        }
    }
}

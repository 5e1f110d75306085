package lambent.runtime;

import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.ByteArrayOutputStream;
import java.io.IOError;
import java.io.IOException;

/** The process of a Java environment: finds the handler and calls it for each invocation. */
public final class Bootstrap {
    private static final String TRACE_PROPERTY = "com.amazonaws.xray.traceHeader";

    private Bootstrap() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length > 0) {
            Rehearsal.run();
        } else {
            run(new RuntimeApi(System.getenv("AWS_LAMBDA_RUNTIME_API")), System.getenv("_HANDLER"), Integer.MAX_VALUE);
        }
    }

    static void run(RuntimeApi api, String name, int invocations) throws IOException {
        Handler handler = null;
        Fault fault = null;
        try {
            handler = Handler.find(name, Bootstrap.class.getClassLoader());
        } catch (Fault found) {
            fault = found;
            if (fault.fatal) {
                log(fault);
                api.failInit(Errors.document(fault), "Runtime.BadFunctionCode");
                System.exit(1);
            }
        }
        for (int i = 0; i < invocations; i++) {
            Invocation invocation = api.next();
            String requestId = invocation.getAwsRequestId();
            Log.SHARED.begin(requestId);
            if (invocation.getXrayTraceId() != null) {
                System.setProperty(TRACE_PROPERTY, invocation.getXrayTraceId());
            }
            if (fault != null) {
                log(fault);
                api.fail(requestId, Errors.document(fault), "Runtime.BadFunctionCode");
                continue;
            }
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            try {
                handler.call(invocation.event, answer, invocation);
            } catch (Throwable error) {
                log(error);
                System.out.flush();
                api.fail(requestId, Errors.document(error), "Runtime.UserException");
                if (error instanceof VirtualMachineError || error instanceof IOError) {
                    System.exit(1);
                }
                continue;
            }
            System.out.flush();
            api.answer(requestId, answer);
            Thread.interrupted();
        }
    }

    private static void log(Throwable error) {
        boolean json = "JSON".equals(System.getenv("AWS_LAMBDA_LOG_FORMAT"));
        Log.SHARED.log(Errors.text(error), json ? LogLevel.ERROR : LogLevel.UNDEFINED);
    }
}

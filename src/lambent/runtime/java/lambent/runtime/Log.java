package lambent.runtime;

import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The function's log. Each event is a frame on standard output: type, length, microseconds, message (see the platform's
 * reader of telemetry frames).
 */
public final class Log implements LambdaLogger {
    public static final Log SHARED = new Log();

    private static final int FRAME = 0xa55a0003;

    private final OutputStream output = new FileOutputStream(FileDescriptor.out);
    private final boolean json = "JSON".equals(System.getenv("AWS_LAMBDA_LOG_FORMAT"));
    private final LogLevel lowest = lowest();
    private String requestId;

    private Log() {}

    private static LogLevel lowest() {
        String name = System.getenv("AWS_LAMBDA_LOG_LEVEL");
        return name == null ? LogLevel.UNDEFINED : LogLevel.fromString(name);
    }

    void begin(String requestId) {
        this.requestId = requestId;
    }

    @Override
    public void log(String message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(byte[] message) {
        write(message);
    }

    @Override
    public void log(String message, LogLevel level) {
        if (level != LogLevel.UNDEFINED && level.ordinal() < lowest.ordinal()) {
            return;
        }
        String text = String.valueOf(message);
        if (json) {
            Map<String, Object> event = new LinkedHashMap<>();
            event.put("timestamp", Instant.now().toString());
            event.put("message", text);
            event.put("level", level == LogLevel.UNDEFINED ? null : level.name());
            event.put("AWSRequestId", requestId);
            write(Json.write(event));
        } else if (level == LogLevel.UNDEFINED) {
            write(text.getBytes(StandardCharsets.UTF_8));
        } else {
            write(("[" + level.name() + "] " + text + "\n").getBytes(StandardCharsets.UTF_8));
        }
    }

    @Override
    public void log(byte[] message, LogLevel level) {
        if (level == LogLevel.UNDEFINED || level.ordinal() >= lowest.ordinal()) {
            write(message);
        }
    }

    private synchronized void write(byte[] message) {
        ByteBuffer frame = ByteBuffer.allocate(16 + message.length);
        frame.putInt(FRAME).putInt(message.length).putLong(System.currentTimeMillis() * 1000).put(message);
        try {
            System.out.flush();
            output.write(frame.array());
        } catch (IOException error) {
            // There is nobody left to be told.
        }
    }
}

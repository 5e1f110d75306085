package lambent.runtime;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Errors as callers and logs see them. */
final class Errors {
    private static final String OURS = "lambent.runtime.";

    private Errors() {}

    static String message(Throwable error) {
        String message = error.getLocalizedMessage();
        return message == null ? error.getClass().getName() : message;
    }

    /** The document of a fault: no stack trace. */
    static byte[] document(Fault fault) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("errorMessage", fault.getMessage());
        document.put("errorType", fault.kind);
        return Json.write(document);
    }

    /** The document of an error that the handler has thrown. */
    static byte[] document(Throwable error) {
        strip(error, seen());
        return Json.write(members(error, seen()));
    }

    private static Map<String, Object> members(Throwable error, Set<Throwable> seen) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("errorMessage", message(error));
        document.put("errorType", error.getClass().getName());
        List<String> trace = new ArrayList<>();
        for (StackTraceElement element : error.getStackTrace()) {
            trace.add(element.toString());
        }
        document.put("stackTrace", trace);
        if (error.getCause() != null && seen.add(error)) {
            document.put("cause", members(error.getCause(), seen));
        }
        return document;
    }

    /** An error for the log. */
    static String text(Throwable error) {
        Throwable shown = error instanceof Fault ? error.getCause() : error;
        if (shown == null) {
            return error.getMessage() + "\n";
        }
        strip(shown, seen());
        StringWriter text = new StringWriter();
        PrintWriter writer = new PrintWriter(text);
        writer.print(message(error) + ": " + shown.getClass().getName() + "\n");
        shown.printStackTrace(writer);
        writer.print("\n");
        writer.flush();
        return text.toString();
    }

    /** Leave out of the traces what is below the function. */
    private static void strip(Throwable error, Set<Throwable> seen) {
        if (error == null || !seen.add(error)) {
            return;
        }
        StackTraceElement[] trace = error.getStackTrace();
        for (int i = 0; i < trace.length; i++) {
            if (trace[i].getClassName().startsWith(OURS)) {
                StackTraceElement[] kept = new StackTraceElement[i];
                System.arraycopy(trace, 0, kept, 0, i);
                error.setStackTrace(kept);
                break;
            }
        }
        strip(error.getCause(), seen);
        for (Throwable suppressed : error.getSuppressed()) {
            strip(suppressed, seen);
        }
    }

    private static Set<Throwable> seen() {
        return Collections.newSetFromMap(new IdentityHashMap<Throwable, Boolean>());
    }
}

package com.amazonaws.services.lambda.runtime.logging;

/** Formats of log events. */
public enum LogFormat {
    JSON,
    TEXT;

    public static LogFormat fromString(String name) {
        for (LogFormat format : values()) {
            if (format.name().equalsIgnoreCase(name)) {
                return format;
            }
        }
        throw new IllegalArgumentException("Invalid log format: '" + name + "' expected one of [JSON, TEXT]");
    }
}

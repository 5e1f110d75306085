package lambent.runtime;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.Date;
import java.util.UUID;

/** Values that are one text or number in JSON. */
final class Scalars {
    private Scalars() {}

    /** Whether objects of a class are written as their text. */
    static boolean known(Class<?> raw) {
        return CharSequence.class.isAssignableFrom(raw)
                || Number.class.isAssignableFrom(raw)
                || raw == Boolean.class
                || raw == Character.class
                || raw.isEnum()
                || raw == UUID.class
                || raw == Class.class
                || raw == java.net.URI.class
                || raw == java.net.URL.class
                || raw == java.util.Locale.class
                || java.time.temporal.TemporalAccessor.class.isAssignableFrom(raw)
                || java.time.temporal.TemporalAmount.class.isAssignableFrom(raw)
                || raw.getName().startsWith("org.joda.time.");
    }

    /** A text, number or boolean of JSON, or null, as a primitive. */
    static Object primitive(Object json, Class<?> raw) {
        if (raw == boolean.class) {
            return json != null && (Boolean) read(json, Boolean.class);
        }
        if (raw == char.class) {
            String text = json == null ? "" : json.toString();
            return text.isEmpty() ? '\0' : text.charAt(0);
        }
        BigDecimal number = json == null || "".equals(json) ? BigDecimal.ZERO : decimal(json, raw);
        if (raw == int.class) {
            return number.intValue();
        }
        if (raw == long.class) {
            return number.longValue();
        }
        if (raw == double.class) {
            return number.doubleValue();
        }
        if (raw == float.class) {
            return number.floatValue();
        }
        return raw == short.class ? (Object) number.shortValue() : (Object) number.byteValue();
    }

    private static BigDecimal decimal(Object json, Class<?> raw) {
        try {
            return new BigDecimal(json.toString().trim());
        } catch (NumberFormatException error) {
            throw new IllegalArgumentException("Cannot read " + Beans.kind(json) + " as " + raw.getName());
        }
    }

    /** A text, number or boolean of JSON as an object. Null when an empty text has to become something else. */
    static Object read(Object json, Class<?> raw) {
        if (raw == String.class || raw == CharSequence.class) {
            return json.toString();
        }
        if (raw.isInstance(json)) {
            return json;
        }
        if ("".equals(json)) {
            return null;
        }
        if (raw == Integer.class) {
            return primitive(json, int.class);
        }
        if (raw == Long.class) {
            return primitive(json, long.class);
        }
        if (raw == Double.class || raw == Number.class) {
            return primitive(json, double.class);
        }
        if (raw == Float.class) {
            return primitive(json, float.class);
        }
        if (raw == Short.class) {
            return primitive(json, short.class);
        }
        if (raw == Byte.class) {
            return primitive(json, byte.class);
        }
        if (raw == BigDecimal.class) {
            return decimal(json, raw);
        }
        if (raw == BigInteger.class) {
            return decimal(json, raw).toBigInteger();
        }
        if (raw == Character.class) {
            return json.toString().charAt(0);
        }
        if (raw == Boolean.class && ("true".equals(json) || "false".equals(json))) {
            return Boolean.valueOf((String) json);
        }
        if (raw.isEnum()) {
            return constant(json, raw);
        }
        if (raw == Date.class) {
            return json instanceof Number
                    ? new Date(((Number) json).longValue())
                    : Date.from(Instant.parse(json.toString()));
        }
        if (raw == Instant.class && json instanceof Number) {
            return Instant.ofEpochMilli((long) (((Number) json).doubleValue() * 1000));
        }
        return fromText(json, raw);
    }

    /** As in the managed runtimes, what is unknown is null. */
    private static Object constant(Object json, Class<?> raw) {
        Object[] constants = raw.getEnumConstants();
        if (json instanceof Integer && (Integer) json >= 0 && (Integer) json < constants.length) {
            return constants[(Integer) json];
        }
        for (Object constant : constants) {
            if (((Enum<?>) constant).name().equals(json)) {
                return constant;
            }
        }
        return null;
    }

    private static Object fromText(Object json, Class<?> raw) {
        String text = json.toString();
        try {
            for (String name : new String[] {"parse", "fromString", "valueOf", "create", "of"}) {
                for (Class<?> parameter : new Class<?>[] {CharSequence.class, String.class}) {
                    try {
                        Method method = raw.getMethod(name, parameter);
                        if (java.lang.reflect.Modifier.isStatic(method.getModifiers())
                                && raw.isAssignableFrom(method.getReturnType())) {
                            return method.invoke(null, text);
                        }
                    } catch (NoSuchMethodException absent) {
                        // The next one, then.
                    }
                }
            }
            Constructor<?> constructor = raw.getConstructor(String.class);
            return constructor.newInstance(text);
        } catch (InvocationTargetException error) {
            throw new IllegalArgumentException(
                    "Cannot read " + Beans.kind(json) + " as " + raw.getName(), error.getCause());
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException("Cannot read " + Beans.kind(json) + " as " + raw.getName());
        }
    }
}

package lambent.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.CustomPojoSerializer;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.Iterator;
import java.util.Map;
import java.util.ServiceLoader;

/** What a handler's name stands for, ready to be called with bytes. */
abstract class Handler {
    private static CustomPojoSerializer serializer;

    /** Answer an event. Throws whatever the function throws. */
    abstract void call(byte[] event, ByteArrayOutputStream answer, Context context) throws Throwable;

    /** The handler of this name. Throws Fault. */
    static Handler find(String name, ClassLoader loader) {
        int colons = name.lastIndexOf("::");
        String className = colons < 0 ? name : name.substring(0, colons);
        String methodName = colons < 0 ? null : name.substring(colons + 2);
        if (className.isEmpty() || (methodName != null && methodName.isEmpty())) {
            throw new Fault("Invalid handler: `" + name + "'", null, false);
        }
        Class<?> found;
        try {
            found = Class.forName(className, true, loader);
        } catch (ClassNotFoundException error) {
            throw new Fault("Class not found: " + className, error, false);
        } catch (NoClassDefFoundError error) {
            throw loading(className, error, false);
        } catch (Throwable error) {
            throw loading(className, error, true);
        }
        Iterator<CustomPojoSerializer> serializers =
                loader.getResource("META-INF/services/" + CustomPojoSerializer.class.getName()) == null
                        ? java.util.Collections.<CustomPojoSerializer>emptyIterator()
                        : ServiceLoader.load(CustomPojoSerializer.class, loader).iterator();
        serializer = serializers.hasNext() ? serializers.next() : null;
        return methodName == null ? ofClass(found) : ofMethod(found, methodName);
    }

    private static Fault loading(String className, Throwable error, boolean fatal) {
        String reason = error.getMessage() == null ? "" : ": " + error.getMessage();
        return new Fault("Error loading class " + className + reason, error, fatal);
    }

    // ------------------------------------------------------------ classes

    private static Handler ofClass(Class<?> found) {
        if (RequestStreamHandler.class.isAssignableFrom(found)) {
            return new Streams((RequestStreamHandler) instance(found));
        }
        if (!RequestHandler.class.isAssignableFrom(found)) {
            throw new Fault(
                    "Class does not implement an appropriate handler interface: " + found.getName(), null, false);
        }
        Type[] types = Types.arguments(found, RequestHandler.class, Types.NONE);
        if (types == null) {
            throw new Fault(
                    "Class " + found.getName() + " does not implement RequestHandler with concrete type parameters",
                    null,
                    false);
        }
        for (Type type : types) {
            if (type instanceof TypeVariable && ((TypeVariable<?>) type).getBounds()[0] == Object.class) {
                throw new Fault(
                        "Class " + found.getName() + " does not implement RequestHandler with concrete type parameters:"
                                + " parameter " + type + " has no upper bound.",
                        null,
                        false);
            }
        }
        @SuppressWarnings("unchecked")
        RequestHandler<Object, Object> handler = (RequestHandler<Object, Object>) instance(found);
        return new Objects(handler, types[0], types[1]);
    }

    private static Object instance(Class<?> found) {
        Constructor<?> constructor;
        try {
            constructor = found.getConstructor();
        } catch (NoSuchMethodException error) {
            boolean inner = found.getEnclosingClass() != null && !Modifier.isStatic(found.getModifiers());
            Exception reason = new Exception(
                    "Class " + found.getName()
                            + (inner
                                    ? " cannot be instantiated because it is a non-static inner class"
                                    : " has no public zero-argument constructor"),
                    inner ? null : error);
            throw Fault.of(reason, false);
        }
        try {
            return constructor.newInstance();
        } catch (InvocationTargetException error) {
            throw Fault.of(error.getCause() == null ? error : error.getCause(), true);
        } catch (ReflectiveOperationException error) {
            throw Fault.of(error, false);
        } catch (ExceptionInInitializerError error) {
            throw Fault.of(error, true);
        }
    }

    private static final class Streams extends Handler {
        private final RequestStreamHandler handler;

        Streams(RequestStreamHandler handler) {
            this.handler = handler;
        }

        @Override
        void call(byte[] event, ByteArrayOutputStream answer, Context context) throws Throwable {
            handler.handleRequest(new ByteArrayInputStream(event), answer, context);
        }
    }

    private static final class Objects extends Handler {
        private final RequestHandler<Object, Object> handler;
        private final Type input;
        private final Type output;

        Objects(RequestHandler<Object, Object> handler, Type input, Type output) {
            this.handler = handler;
            this.input = input;
            this.output = output;
        }

        @Override
        void call(byte[] event, ByteArrayOutputStream answer, Context context) throws Throwable {
            write(handler.handleRequest(read(event, input), context), output, answer);
        }
    }

    // ------------------------------------------------------------ methods

    private static Handler ofMethod(Class<?> found, String name) {
        Method best = null;
        for (Method method : found.getMethods()) {
            if (method.getName().equals(name) && fits(method.getParameterTypes())
                    && (best == null || preferred(method, best))) {
                best = method;
            }
        }
        if (best == null) {
            throw new Fault(
                    "No public method named " + name + " with appropriate method signature found on class "
                            + found.getName(),
                    null,
                    false);
        }
        best.setAccessible(true);
        return new Plain(Modifier.isStatic(best.getModifiers()) ? null : instance(found), best, found);
    }

    /** Bridge methods come last; otherwise the one with more parameters, and with a context, is meant. */
    private static boolean preferred(Method method, Method best) {
        if (method.isBridge() != best.isBridge()) {
            return best.isBridge();
        }
        return weight(method.getParameterTypes()) > weight(best.getParameterTypes());
    }

    private static int weight(Class<?>[] parameters) {
        int count = parameters.length;
        return count > 0 && parameters[count - 1] == Context.class ? count + 1 : count;
    }

    private static boolean fits(Class<?>[] parameters) {
        int count = parameters.length;
        if (count > 0 && parameters[count - 1] == Context.class) {
            count--;
        }
        if (count == 0 || count == 1) {
            return true;
        }
        return count == 2 && parameters[0] == InputStream.class && parameters[1] == OutputStream.class;
    }

    private static final class Plain extends Handler {
        private final Object target;
        private final Method method;
        private final Class<?>[] raw;
        private final Type[] types;
        private final Map<TypeVariable<?>, Type> known;

        Plain(Object target, Method method, Class<?> found) {
            this.target = target;
            this.method = method;
            this.raw = method.getParameterTypes();
            this.types = method.getGenericParameterTypes();
            this.known = Types.bindings(found, Types.NONE);
        }

        @Override
        void call(byte[] event, ByteArrayOutputStream answer, Context context) throws Throwable {
            Object[] arguments = new Object[raw.length];
            boolean streams = false;
            for (int i = 0; i < raw.length; i++) {
                if (raw[i] == Context.class) {
                    arguments[i] = context;
                } else if (raw[i] == InputStream.class) {
                    arguments[i] = new ByteArrayInputStream(event);
                } else if (raw[i] == OutputStream.class) {
                    arguments[i] = answer;
                    streams = true;
                } else {
                    Type type = types[i] instanceof TypeVariable ? known.getOrDefault(types[i], types[i]) : types[i];
                    arguments[i] = read(event, type);
                }
            }
            Object result;
            try {
                result = method.invoke(target, arguments);
            } catch (InvocationTargetException error) {
                throw error.getCause() == null ? error : error.getCause();
            }
            if (!streams) {
                write(result, method.getGenericReturnType(), answer);
            }
        }
    }

    // ------------------------------------------------------------ JSON

    private static Object read(byte[] event, Type type) {
        try {
            if (serializer != null) {
                return serializer.fromJson(new ByteArrayInputStream(event), type);
            }
            return Beans.read(Json.read(event), type);
        } catch (RuntimeException error) {
            throw hidden("An error occurred during JSON parsing", error);
        }
    }

    private static void write(Object value, Type type, ByteArrayOutputStream answer) {
        try {
            if (serializer != null && value != null) {
                serializer.toJson(value, answer, type);
            } else {
                byte[] written = Json.write(value);
                answer.write(written, 0, written.length);
            }
        } catch (RuntimeException error) {
            throw hidden("An error occurred during serialization of response", error);
        }
    }

    private static RuntimeException hidden(String message, RuntimeException cause) {
        Throwable shown = cause instanceof UncheckedIOException ? cause : new UncheckedIOException(
                new java.io.IOException(Errors.message(cause), cause));
        return new RuntimeException(message, shown);
    }
}

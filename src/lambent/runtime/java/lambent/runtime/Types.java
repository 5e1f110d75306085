package lambent.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

/** What generic types stand for. */
final class Types {
    static final Map<TypeVariable<?>, Type> NONE = Collections.emptyMap();

    private Types() {}

    static Class<?> raw(Type type, Map<TypeVariable<?>, Type> known) {
        if (type instanceof Class) {
            return (Class<?>) type;
        }
        if (type instanceof ParameterizedType) {
            return (Class<?>) ((ParameterizedType) type).getRawType();
        }
        if (type instanceof GenericArrayType) {
            return Array.newInstance(raw(((GenericArrayType) type).getGenericComponentType(), known), 0).getClass();
        }
        if (type instanceof WildcardType) {
            return raw(((WildcardType) type).getUpperBounds()[0], known);
        }
        Type bound = known.get(type);
        return raw(bound == null || bound == type ? ((TypeVariable<?>) type).getBounds()[0] : bound, known);
    }

    static Type argument(Type type, int index) {
        if (type instanceof ParameterizedType) {
            Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
            if (index < arguments.length) {
                return arguments[index];
            }
        }
        return Object.class;
    }

    /** What the variables of a type's class stand for. */
    static Map<TypeVariable<?>, Type> bindings(Type type, Map<TypeVariable<?>, Type> known) {
        Map<TypeVariable<?>, Type> bound = new HashMap<>(known);
        bind(type, bound);
        return bound;
    }

    private static void bind(Type type, Map<TypeVariable<?>, Type> bound) {
        if (type instanceof ParameterizedType) {
            ParameterizedType parameterized = (ParameterizedType) type;
            TypeVariable<?>[] variables = ((Class<?>) parameterized.getRawType()).getTypeParameters();
            Type[] arguments = parameterized.getActualTypeArguments();
            for (int i = 0; i < variables.length; i++) {
                Type argument = arguments[i];
                bound.put(variables[i], argument instanceof TypeVariable ? bound.getOrDefault(argument, argument) : argument);
            }
        }
        Class<?> raw = raw(type, bound);
        if (raw.getGenericSuperclass() != null) {
            bind(raw.getGenericSuperclass(), bound);
        }
    }

    /** The arguments that a class gives to a generic interface that it implements; null when it gives none. */
    static Type[] arguments(Type type, Class<?> wanted, Map<TypeVariable<?>, Type> known) {
        if (type == null) {
            return null;
        }
        Map<TypeVariable<?>, Type> bound = new HashMap<>(known);
        Class<?> raw = raw(type, known);
        if (type instanceof ParameterizedType) {
            TypeVariable<?>[] variables = raw.getTypeParameters();
            Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
            for (int i = 0; i < variables.length; i++) {
                bound.put(variables[i], arguments[i] instanceof TypeVariable ? known.getOrDefault(arguments[i], arguments[i]) : arguments[i]);
            }
            if (raw == wanted) {
                Type[] found = new Type[variables.length];
                for (int i = 0; i < variables.length; i++) {
                    found[i] = bound.get(variables[i]);
                }
                return found;
            }
        }
        for (Type one : raw.getGenericInterfaces()) {
            if (wanted.isAssignableFrom(raw(one, bound))) {
                Type[] found = arguments(one, wanted, bound);
                if (found != null) {
                    return found;
                }
            }
        }
        return arguments(raw.getGenericSuperclass(), wanted, bound);
    }

    // ------------------------------------------------------------ records, which Java 8 has not

    /** A component of a record. */
    static final class Component {
        final String name;
        final Type type;
        final Class<?> raw;
        final Method accessor;

        Component(String name, Type type, Class<?> raw, Method accessor) {
            this.name = name;
            this.type = type;
            this.raw = raw;
            this.accessor = accessor;
        }
    }

    /** The components of a record; null for any other class. */
    static Component[] components(Class<?> raw) {
        if (raw.getSuperclass() == null || !raw.getSuperclass().getName().equals("java.lang.Record")) {
            return null;
        }
        try {
            Object[] found = (Object[]) Class.class.getMethod("getRecordComponents").invoke(raw);
            Component[] components = new Component[found.length];
            for (int i = 0; i < found.length; i++) {
                Class<?> kind = found[i].getClass();
                Method accessor = (Method) kind.getMethod("getAccessor").invoke(found[i]);
                accessor.setAccessible(true);
                components[i] = new Component(
                        (String) kind.getMethod("getName").invoke(found[i]),
                        (Type) kind.getMethod("getGenericType").invoke(found[i]),
                        (Class<?>) kind.getMethod("getType").invoke(found[i]),
                        accessor);
            }
            return components;
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    static Object construct(Class<?> raw, Component[] components, Map<?, ?> json, Map<TypeVariable<?>, Type> known)
            throws ReflectiveOperationException {
        Class<?>[] parameters = new Class<?>[components.length];
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            parameters[i] = components[i].raw;
            values[i] = Beans.read(json.get(components[i].name), components[i].type, known);
        }
        Constructor<?> constructor = raw.getDeclaredConstructor(parameters);
        constructor.setAccessible(true);
        return constructor.newInstance(values);
    }

    // ------------------------------------------------------------ below the language

    /** An object of a class without a constructor that could be called. */
    static Object allocate(Class<?> raw) {
        try {
            Class<?> kind = Class.forName("sun.misc.Unsafe");
            Field field = kind.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            return kind.getMethod("allocateInstance", Class.class).invoke(field.get(null), raw);
        } catch (ReflectiveOperationException error) {
            throw new IllegalArgumentException("Cannot make an object of " + raw.getName(), error);
        }
    }

    /** Throw anything as if it were unchecked. */
    @SuppressWarnings("unchecked")
    static <T extends Throwable> T sneak(Throwable error) throws T {
        throw (T) error;
    }
}

package lambent.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** From JSON values to objects of a type and back. */
final class Beans {
    private static final int DEEPEST = 1000;
    private static final Map<Class<?>, Bean> KNOWN = new HashMap<>();

    private Beans() {}

    // ------------------------------------------------------------ reading

    /** A JSON value as an object of `type`. Throws IllegalArgumentException, and what constructors and setters throw. */
    static Object read(Object json, Type type) {
        return read(json, type, Types.NONE);
    }

    static Object read(Object json, Type type, Map<TypeVariable<?>, Type> known) {
        if (type instanceof TypeVariable) {
            Type bound = known.get(type);
            return read(json, bound == null || bound == type ? ((TypeVariable<?>) type).getBounds()[0] : bound, known);
        }
        if (type instanceof WildcardType) {
            return read(json, ((WildcardType) type).getUpperBounds()[0], known);
        }
        if (type instanceof GenericArrayType) {
            Type element = ((GenericArrayType) type).getGenericComponentType();
            return json == null ? null : array(json, Types.raw(element, known), element, known);
        }
        Class<?> raw = Types.raw(type, known);
        if (raw.isPrimitive()) {
            return Scalars.primitive(json, raw);
        }
        if (json == null || raw == Void.class) {
            return raw == Optional.class ? Optional.empty() : null;
        }
        if (raw == Object.class) {
            return json;
        }
        if (raw.isArray()) {
            if (raw == byte[].class && json instanceof String) {
                return Base64.getDecoder().decode((String) json);
            }
            return array(json, raw.getComponentType(), raw.getComponentType(), known);
        }
        if (raw == Optional.class) {
            return Optional.ofNullable(read(json, Types.argument(type, 0), known));
        }
        if (Collection.class.isAssignableFrom(raw) || raw == Iterable.class) {
            Collection<Object> collection = collection(raw);
            for (Object element : list(json)) {
                collection.add(read(element, Types.argument(type, 0), known));
            }
            return collection;
        }
        if (Map.class.isAssignableFrom(raw)) {
            return map(json, type, raw, known);
        }
        if (!(json instanceof Map) && !(json instanceof List)) {
            return Scalars.read(json, raw);
        }
        if (Scalars.known(raw)) {
            throw new IllegalArgumentException("Cannot read " + kind(json) + " as " + raw.getName());
        }
        if (json instanceof List) {
            List<?> one = (List<?>) json;
            if (one.size() > 1) {
                throw new IllegalArgumentException("Cannot read an array as " + raw.getName());
            }
            return one.isEmpty() ? null : read(one.get(0), type, known);
        }
        return bean(raw).read((Map<?, ?>) json, Types.bindings(type, known));
    }

    static String kind(Object json) {
        return json instanceof Map ? "an object" : json instanceof List ? "an array" : "the value " + json;
    }

    private static List<?> list(Object json) {
        if (json instanceof List) {
            return (List<?>) json;
        }
        List<Object> one = new ArrayList<>();
        one.add(json);
        return one;
    }

    private static Object array(Object json, Class<?> raw, Type element, Map<TypeVariable<?>, Type> known) {
        List<?> list = list(json);
        Object array = Array.newInstance(raw, list.size());
        for (int i = 0; i < list.size(); i++) {
            Array.set(array, i, read(list.get(i), element, known));
        }
        return array;
    }

    @SuppressWarnings("unchecked")
    private static Collection<Object> collection(Class<?> raw) {
        if (raw.isAssignableFrom(ArrayList.class)) {
            return new ArrayList<>();
        }
        if (raw.isAssignableFrom(LinkedHashSet.class)) {
            return new LinkedHashSet<>();
        }
        return (Collection<Object>) create(raw);
    }

    @SuppressWarnings("unchecked")
    private static Object map(Object json, Type type, Class<?> raw, Map<TypeVariable<?>, Type> known) {
        if (!(json instanceof Map)) {
            throw new IllegalArgumentException("Cannot read " + kind(json) + " as " + raw.getName());
        }
        Map<Object, Object> map;
        if (raw.isAssignableFrom(LinkedHashMap.class)) {
            map = new LinkedHashMap<>();
        } else if (raw.isAssignableFrom(TreeMap.class)) {
            map = new TreeMap<>();
        } else {
            map = (Map<Object, Object>) create(raw);
        }
        Type keys = Types.argument(type, 0);
        Type values = Types.argument(type, 1);
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) json).entrySet()) {
            Object key = keys == Object.class ? entry.getKey() : read(entry.getKey(), keys, known);
            map.put(key, read(entry.getValue(), values, known));
        }
        return map;
    }

    static Object create(Class<?> raw) {
        try {
            Constructor<?> constructor = raw.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (InvocationTargetException error) {
            throw Types.<RuntimeException>sneak(error.getCause());
        } catch (ReflectiveOperationException error) {
            return Types.allocate(raw);
        }
    }

    static synchronized Bean bean(Class<?> raw) {
        Bean bean = KNOWN.get(raw);
        if (bean == null) {
            bean = new Bean(raw);
            KNOWN.put(raw, bean);
        }
        return bean;
    }

    // ------------------------------------------------------------ writing

    /** Nulls are left out of objects and maps, as the managed runtimes do. */
    static void write(Object value, StringBuilder out, int depth) {
        if (depth > DEEPEST) {
            throw new IllegalArgumentException("The value is nested too deeply to be written as JSON");
        }
        if (value == null) {
            out.append("null");
        } else if (value instanceof CharSequence) {
            Json.quote((CharSequence) value, out);
        } else if (value instanceof Number) {
            number((Number) value, out);
        } else if (value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Map) {
            char separator = '{';
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                separator = member(separator, String.valueOf(entry.getKey()), entry.getValue(), out, depth);
            }
            out.append(separator == '{' ? "{}" : "}");
        } else if (value instanceof Iterable) {
            char separator = '[';
            for (Object element : (Iterable<?>) value) {
                out.append(separator);
                write(element, out, depth + 1);
                separator = ',';
            }
            out.append(separator == '[' ? "[]" : "]");
        } else if (value instanceof byte[]) {
            Json.quote(Base64.getEncoder().encodeToString((byte[]) value), out);
        } else if (value instanceof char[]) {
            Json.quote(new String((char[]) value), out);
        } else if (value.getClass().isArray()) {
            List<Object> elements = new ArrayList<>();
            for (int i = 0; i < Array.getLength(value); i++) {
                elements.add(Array.get(value, i));
            }
            write(elements, out, depth);
        } else if (value instanceof Optional) {
            write(((Optional<?>) value).orElse(null), out, depth);
        } else if (value instanceof Date) {
            out.append(((Date) value).getTime());
        } else if (value instanceof Enum) {
            Json.quote(((Enum<?>) value).name(), out);
        } else if (Scalars.known(value.getClass())) {
            Json.quote(value.toString(), out);
        } else {
            char separator = '{';
            for (Map.Entry<String, Object> entry : bean(value.getClass()).members(value).entrySet()) {
                separator = member(separator, entry.getKey(), entry.getValue(), out, depth);
            }
            out.append(separator == '{' ? "{}" : "}");
        }
    }

    private static char member(char separator, String name, Object value, StringBuilder out, int depth) {
        if (value == null) {
            return separator;
        }
        out.append(separator);
        Json.quote(name, out);
        out.append(':');
        write(value, out, depth + 1);
        return ',';
    }

    private static void number(Number value, StringBuilder out) {
        boolean real = value instanceof Double || value instanceof Float;
        if (real && (Double.isNaN(value.doubleValue()) || Double.isInfinite(value.doubleValue()))) {
            Json.quote(value.toString(), out);
        } else if (real
                || value instanceof Integer
                || value instanceof Long
                || value instanceof Short
                || value instanceof Byte
                || value instanceof BigInteger
                || value instanceof BigDecimal) {
            out.append(value);
        } else {
            out.append(value.toString()); // the atomic ones
        }
    }

    /** The properties of one class: its getters, setters and fields, in the order of its fields. */
    static final class Bean {
        private final Class<?> raw;
        private final Map<String, Method> getters = new TreeMap<>();
        private final Map<String, Method> setters = new HashMap<>();
        private final Map<String, Field> fields = new LinkedHashMap<>();
        private final Map<String, String> names = new HashMap<>(); // by their lower case
        private final Types.Component[] components;

        Bean(Class<?> raw) {
            this.raw = raw;
            this.components = Types.components(raw);
            for (Class<?> c = raw; c != null && c != Object.class; c = c.getSuperclass()) {
                for (Field field : c.getDeclaredFields()) {
                    if (!Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()) {
                        fields.putIfAbsent(field.getName(), field);
                    }
                }
            }
            for (Method method : raw.getMethods()) {
                if (!Modifier.isStatic(method.getModifiers()) && method.getDeclaringClass() != Object.class) {
                    property(method);
                }
            }
            for (Set<String> some : java.util.Arrays.asList(fields.keySet(), setters.keySet())) {
                for (String name : some) {
                    names.put(name.toLowerCase(java.util.Locale.ROOT), name);
                }
            }
        }

        private void property(Method method) {
            String name = method.getName();
            int parameters = method.getParameterCount();
            Class<?> returned = method.getReturnType();
            if (parameters == 0 && name.length() > 3 && name.startsWith("get") && returned != void.class) {
                getters.put(decapitalized(name.substring(3)), method);
            } else if (parameters == 0 && name.length() > 2 && name.startsWith("is") && returned == boolean.class) {
                getters.put(decapitalized(name.substring(2)), method);
            } else if (parameters == 1 && name.length() > 3 && name.startsWith("set") && !method.isBridge()) {
                setters.putIfAbsent(decapitalized(name.substring(3)), method);
            }
        }

        private static String decapitalized(String name) {
            if (name.length() > 1 && Character.isUpperCase(name.charAt(0)) && Character.isUpperCase(name.charAt(1))) {
                return name;
            }
            return Character.toLowerCase(name.charAt(0)) + name.substring(1);
        }

        Object read(Map<?, ?> json, Map<TypeVariable<?>, Type> known) {
            try {
                if (components != null) {
                    return Types.construct(raw, components, json, known);
                }
                if (raw.isInterface() || Modifier.isAbstract(raw.getModifiers())) {
                    throw new IllegalArgumentException("Cannot make an object of the abstract " + raw.getName());
                }
                Object made = create(raw);
                for (Map.Entry<?, ?> entry : json.entrySet()) {
                    set(made, String.valueOf(entry.getKey()), entry.getValue(), known);
                }
                return made;
            } catch (InvocationTargetException error) {
                throw Types.<RuntimeException>sneak(error.getCause());
            } catch (ReflectiveOperationException error) {
                throw new IllegalArgumentException(error);
            }
        }

        private void set(Object made, String key, Object value, Map<TypeVariable<?>, Type> known)
                throws ReflectiveOperationException {
            String name = setters.containsKey(key) || fields.containsKey(key)
                    ? key
                    : names.get(key.toLowerCase(java.util.Locale.ROOT));
            Method setter = setters.get(name);
            Field field = fields.get(name);
            if (setter != null) {
                setter.setAccessible(true);
                setter.invoke(made, Beans.read(value, setter.getGenericParameterTypes()[0], known));
            } else if (field != null) {
                field.setAccessible(true);
                field.set(made, Beans.read(value, field.getGenericType(), known));
            }
        }

        Map<String, Object> members(Object value) {
            Map<String, Object> members = new LinkedHashMap<>();
            try {
                if (components != null) {
                    for (Types.Component component : components) {
                        members.put(component.name, component.accessor.invoke(value));
                    }
                    return members;
                }
                for (Map.Entry<String, Field> field : fields.entrySet()) {
                    Method getter = getters.get(field.getKey());
                    if (getter != null) {
                        getter.setAccessible(true);
                        members.put(field.getKey(), getter.invoke(value));
                    } else if (Modifier.isPublic(field.getValue().getModifiers())) {
                        field.getValue().setAccessible(true);
                        members.put(field.getKey(), field.getValue().get(value));
                    }
                }
                for (Map.Entry<String, Method> getter : getters.entrySet()) {
                    if (!fields.containsKey(getter.getKey())) {
                        getter.getValue().setAccessible(true);
                        members.put(getter.getKey(), getter.getValue().invoke(value));
                    }
                }
                return members;
            } catch (InvocationTargetException error) {
                throw Types.<RuntimeException>sneak(error.getCause());
            } catch (ReflectiveOperationException error) {
                throw new IllegalArgumentException(error);
            }
        }
    }
}

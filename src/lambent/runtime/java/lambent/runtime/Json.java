package lambent.runtime;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON as maps, lists, strings, numbers and booleans. Whole numbers are Integer, Long or BigInteger, whichever is the
 * first to hold them; others are Double.
 */
final class Json {
    private static final int DEEPEST = 1000;

    private final String text;
    private int at;
    private int depth;

    private Json(String text) {
        this.text = text;
    }

    /** Throws IllegalArgumentException. */
    static Object read(byte[] data) {
        Json json = new Json(new String(data, StandardCharsets.UTF_8));
        Object value = json.value();
        if (json.token() != 0) {
            throw json.unexpected();
        }
        return value;
    }

    static byte[] write(Object value) {
        StringBuilder out = new StringBuilder();
        Beans.write(value, out, 0);
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }

    // ------------------------------------------------------------ reading

    /** The next character that is no space, 0 at the end. It is not consumed. */
    private char token() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
                return c;
            }
            at++;
        }
        return 0;
    }

    private IllegalArgumentException unexpected() {
        String what = at < text.length() ? "Unexpected character '" + text.charAt(at) + "'" : "Unexpected end";
        return new IllegalArgumentException(what + " of JSON at position " + at);
    }

    private Object value() {
        char c = token();
        switch (c) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw unexpected();
        }
        at += word.length();
        return value;
    }

    private void descend() {
        at++;
        if (++depth > DEEPEST) {
            throw new IllegalArgumentException("JSON is nested too deeply");
        }
    }

    private Map<String, Object> object() {
        Map<String, Object> map = new LinkedHashMap<>();
        descend();
        if (token() == '}') {
            at++;
        } else {
            char c;
            do {
                if (token() != '"') {
                    throw unexpected();
                }
                String key = string();
                if (token() != ':') {
                    throw unexpected();
                }
                at++;
                map.put(key, value());
                c = token();
                if (c != ',' && c != '}') {
                    throw unexpected();
                }
                at++;
            } while (c == ',');
        }
        depth--;
        return map;
    }

    private List<Object> array() {
        List<Object> list = new ArrayList<>();
        descend();
        if (token() == ']') {
            at++;
        } else {
            char c;
            do {
                list.add(value());
                c = token();
                if (c != ',' && c != ']') {
                    throw unexpected();
                }
                at++;
            } while (c == ',');
        }
        depth--;
        return list;
    }

    private String string() {
        int start = ++at;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '"') {
                return text.substring(start, at++);
            }
            if (c == '\\') {
                return escaped(start);
            }
            at++;
        }
        throw unexpected();
    }

    private String escaped(int start) {
        StringBuilder out = new StringBuilder().append(text, start, at);
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') {
                return out.toString();
            }
            if (c != '\\') {
                out.append(c);
                continue;
            }
            if (at == text.length()) {
                break;
            }
            c = text.charAt(at++);
            switch (c) {
                case 'n':
                    out.append('\n');
                    break;
                case 't':
                    out.append('\t');
                    break;
                case 'r':
                    out.append('\r');
                    break;
                case 'b':
                    out.append('\b');
                    break;
                case 'f':
                    out.append('\f');
                    break;
                case 'u':
                    if (at + 4 > text.length()) {
                        throw unexpected();
                    }
                    out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                    break;
                default:
                    out.append(c);
            }
        }
        throw unexpected();
    }

    private Number number() {
        int start = at;
        boolean whole = true;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '.' || c == 'e' || c == 'E') {
                whole = false;
            } else if (c != '-' && c != '+' && (c < '0' || c > '9')) {
                break;
            }
            at++;
        }
        String digits = text.substring(start, at);
        try {
            if (!whole) {
                return Double.valueOf(digits);
            }
            if (digits.length() < 19) {
                long value = Long.parseLong(digits);
                if ((int) value == value) {
                    return (int) value;
                }
                return value;
            }
            BigInteger value = new BigInteger(digits);
            if (value.bitLength() < 64) {
                return value.longValue();
            }
            return value;
        } catch (NumberFormatException error) {
            at = start;
            throw unexpected();
        }
    }

    // ------------------------------------------------------------ writing

    static void quote(CharSequence value, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c >= ' ') {
                out.append(c);
            } else if (c == '\n') {
                out.append("\\n");
            } else if (c == '\t') {
                out.append("\\t");
            } else if (c == '\r') {
                out.append("\\r");
            } else {
                out.append("\\u00").append(Character.forDigit(c >> 4, 16)).append(Character.forDigit(c & 15, 16));
            }
        }
        out.append('"');
    }
}

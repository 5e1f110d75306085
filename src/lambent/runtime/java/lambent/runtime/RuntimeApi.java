package lambent.runtime;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The client of the environment's Runtime API: one connection, one request after the other. */
final class RuntimeApi {
    private static final String PATH = "/2018-06-01/runtime/";

    private final Socket socket = new Socket();
    private final InputStream input;
    private final OutputStream output;
    private final String host;
    private final byte[] ask;
    private byte[] body;

    RuntimeApi(String address) throws IOException {
        int colon = address.lastIndexOf(':');
        host = address;
        socket.setTcpNoDelay(true);
        socket.connect(new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))));
        input = new BufferedInputStream(socket.getInputStream(), 65_536);
        output = socket.getOutputStream();
        ask = ("GET " + PATH + "invocation/next HTTP/1.1\r\nHost: " + host + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Wait for the next invocation. */
    Invocation next() throws IOException {
        output.write(ask);
        Map<String, String> headers = receive();
        return new Invocation(body, headers);
    }

    void answer(String requestId, ByteArrayOutputStream answer) throws IOException {
        post("invocation/" + requestId + "/response", "", answer.toByteArray());
    }

    void fail(String requestId, byte[] document, String errorType) throws IOException {
        post("invocation/" + requestId + "/error", "Lambda-Runtime-Function-Error-Type: " + errorType + "\r\n", document);
    }

    void failInit(byte[] document, String errorType) throws IOException {
        post("init/error", "Lambda-Runtime-Function-Error-Type: " + errorType + "\r\n", document);
    }

    private void post(String path, String headers, byte[] content) throws IOException {
        byte[] head = ("POST " + PATH + path + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\n"
                        + headers + "Content-Length: " + content.length + "\r\n\r\n")
                .getBytes(StandardCharsets.ISO_8859_1);
        byte[] request = new byte[head.length + content.length];
        System.arraycopy(head, 0, request, 0, head.length);
        System.arraycopy(content, 0, request, head.length, content.length);
        output.write(request);
        receive();
    }

    private Map<String, String> receive() throws IOException {
        String status = line();
        Map<String, String> headers = new HashMap<>();
        String line;
        while (!(line = line()).isEmpty()) {
            int colon = line.indexOf(':');
            headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
        }
        body = new byte[Integer.parseInt(headers.getOrDefault("content-length", "0"))];
        int filled = 0;
        while (filled < body.length) {
            int count = input.read(body, filled, body.length - filled);
            if (count < 0) {
                throw new EOFException();
            }
            filled += count;
        }
        if (!status.startsWith("HTTP/1.1 2") && !status.startsWith("HTTP/1.1 413")) {
            throw new IOException("the Runtime API says " + status + ": " + new String(body, StandardCharsets.UTF_8));
        }
        return headers;
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        int c;
        while ((c = input.read()) != '\n') {
            if (c < 0) {
                throw new EOFException("the Runtime API has hung up");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }
}

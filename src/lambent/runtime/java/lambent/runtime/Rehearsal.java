package lambent.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * Two invocations before a platform of its own, so that the classes which every function needs are loaded: what is
 * loaded at the end of this process is what the archive holds that environments start from.
 */
final class Rehearsal {
    private static final String EVENT = "{\"a\":1,\"b\":[\"x\\n\",true,null,1.5],\"c\":{\"d\":\"e\"}}";

    private Rehearsal() {}

    public static final class Echo implements RequestHandler<Map<String, Object>, Map<String, Object>> {
        @Override
        public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
            return event;
        }

        public Map<String, Object> plain(Map<String, Object> event) {
            return event;
        }

        public Order typed(Order order, Context context) {
            throw new IllegalStateException(context.getFunctionName(), new RuntimeException("cause"));
        }
    }

    public static final class Order {
        private int a;
        private List<String> b;

        public int getA() {
            return a;
        }

        public void setA(int a) {
            this.a = a;
        }

        public List<String> getB() {
            return b;
        }

        public void setB(List<String> b) {
            this.b = b;
        }
    }

    static void run() throws IOException {
        final ServerSocket listener = new ServerSocket(0, 3, InetAddress.getLoopbackAddress());
        Thread server = new Thread(new Runnable() {
            @Override
            public void run() {
                for (int i = 0; i < 3; i++) {
                    serve(listener);
                }
            }
        });
        server.setDaemon(true);
        server.start();
        for (String method : new String[] {"", "::plain", "::typed"}) {
            RuntimeApi api = new RuntimeApi("127.0.0.1:" + listener.getLocalPort());
            Bootstrap.run(api, Echo.class.getName() + method, 2);
        }
    }

    private static void serve(ServerSocket listener) {
        try (Socket socket = listener.accept()) {
            InputStream input = socket.getInputStream();
            OutputStream output = socket.getOutputStream();
            for (int i = 0; i < 4; i++) {
                byte[] ignored = new byte[65_536];
                if (input.read(ignored) < 0) {
                    return;
                }
                String body = i % 2 == 0 ? EVENT : "{}";
                output.write(("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 1\r\n"
                                + "Lambda-Runtime-Trace-Id: 1\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                        .getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }
}

import java.io.IOException;
import java.net.URI;

/**
 * Posts its standard input to each URL given and prints what the client's caller got, one JSON line each, for the test
 * that started it.
 *
 * The proxy and the trust store come from the system properties, as an administrator of a Java product sets them.
 */
final class Posts {
    /** One POST by the client under test; what it throws is what its caller gets to read. */
    interface Client {
        Answer post(URI url, byte[] message) throws Exception;
    }

    /** A final HTTP response, as the client hands it to its caller. */
    static final class Answer {
        final int status;
        final String reason;
        final String body;

        Answer(int status, String reason, String body) {
            this.status = status;
            this.reason = reason;
            this.body = body;
        }
    }

    static void run(String[] urls, Client client) throws IOException {
        byte[] message = System.in.readAllBytes();
        for (String url : urls) {
            try {
                Answer answer = client.post(URI.create(url), message);
                String response = "\"reason\":" + quoted(answer.reason) + ",\"body\":" + quoted(answer.body);
                print(url, "\"status\":" + answer.status + "," + response);
            } catch (Exception error) {
                print(url, "\"error\":" + quoted(error.toString()));
            }
        }
    }

    private static void print(String url, String result) {
        String version = System.getProperty("java.version");
        System.out.println("{\"url\":" + quoted(url) + ",\"java\":" + quoted(version) + "," + result + "}");
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            json.append(c < ' ' || c == '"' || c == '\\' || c > '~' ? String.format("\\u%04x", (int) c) : c);
        }
        return json.append('"').toString();
    }
}

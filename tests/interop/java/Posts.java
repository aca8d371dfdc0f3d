import java.io.IOException;
import java.net.Authenticator;
import java.net.PasswordAuthentication;
import java.net.URI;

/**
 * Posts standard input to each URL and prints what the client's caller got, one JSON string per line.
 *
 * The arguments are pairs of a proxy ("host:port", "user:password@host:port" or "direct") and a URL. The proxy and the
 * trust store are set by system properties, as the administrator of a Java product does; the user by an Authenticator.
 */
final class Posts {
    /** One POST by the client under test. Returns status, reason and body; an exception is printed instead. */
    interface Client {
        String post(URI url, byte[] message) throws Exception;
    }

    static void run(String[] posts, Client client) throws IOException {
        byte[] message = System.in.readAllBytes();
        for (int i = 0; i < posts.length; i += 2) {
            setProxy(posts[i]);
            try {
                print(client.post(URI.create(posts[i + 1]), message));
            } catch (Exception error) {
                print(error.toString());
            }
        }
    }

    private static void setProxy(String proxy) {
        if (proxy.equals("direct")) {
            System.clearProperty("https.proxyHost");
            System.clearProperty("https.proxyPort");
        } else {
            int at = proxy.lastIndexOf('@');
            Authenticator.setDefault(at < 0 ? null : new Login(proxy.substring(0, at)));
            String[] parts = proxy.substring(at + 1).split(":");
            System.setProperty("https.proxyHost", parts[0]);
            System.setProperty("https.proxyPort", parts[1]);
        }
    }

    /** Logs in to the proxy only, never to the server. */
    private static final class Login extends Authenticator {
        private final String[] userAndPassword;

        Login(String userAndPassword) {
            this.userAndPassword = userAndPassword.split(":", 2);
        }

        @Override
        protected PasswordAuthentication getPasswordAuthentication() {
            boolean asked = getRequestorType() == RequestorType.PROXY;
            return asked ? new PasswordAuthentication(userAndPassword[0], userAndPassword[1].toCharArray()) : null;
        }
    }

    private static void print(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            json.append(c < ' ' || c == '"' || c == '\\' || c > '~' ? String.format("\\u%04x", (int) c) : c);
        }
        System.out.println(json.append('"'));
    }
}

import java.io.IOException;
import java.net.Authenticator;
import java.net.PasswordAuthentication;
import java.net.URI;

/**
 * Posts its standard input to each URL given and prints what the client's caller got to read, a JSON string a line, for
 * the test that started it.
 *
 * The arguments are pairs: a proxy ("host:port", "user:password@host:port", or "direct"), and a URL. The proxy and the
 * trust store are the system properties that an administrator of a Java product sets; the product answers for the user.
 */
final class Posts {
    /** One POST by the client under test: its status, reason and body; what it throws is what its caller gets to read. */
    interface Client {
        String post(URI url, byte[] message) throws Exception;
    }

    static void run(String[] visits, Client client) throws IOException {
        byte[] message = System.in.readAllBytes();
        for (int i = 0; i < visits.length; i += 2) {
            setProxy(visits[i]);
            try {
                print(client.post(URI.create(visits[i + 1]), message));
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

    /** Who logs in to the proxy, and to nobody else. */
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

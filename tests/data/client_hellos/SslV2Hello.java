import java.io.IOException;
import java.net.Socket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/** Says hello in the form of SSL 2, as Java 6 did of its own accord and later ones do on demand. */
final class SslV2Hello {
    public static void main(String[] arguments) throws IOException {
        Socket plain = new Socket("127.0.0.1", Integer.parseInt(arguments[0]));
        SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
        try (SSLSocket socket = (SSLSocket) factory.createSocket(plain, "tools.cisco.com", 443, true)) {
            socket.setEnabledProtocols(new String[] {"SSLv2Hello", "TLSv1.2"});
            socket.startHandshake();
        }
    }
}

import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/** Sends standard input over TLS to HOST at 127.0.0.1:PORT, sends close_notify, and prints the answer. */
final class TlsSocket {
    public static void main(String[] args) throws Exception {
        var tcp = new Socket();
        tcp.connect(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[1])));
        var factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
        try (var tls = (SSLSocket) factory.createSocket(tcp, args[0], tcp.getPort(), true)) {
            SSLParameters parameters = tls.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            parameters.setProtocols(new String[] {args[2]});
            tls.setSSLParameters(parameters);
            tls.startHandshake();
            OutputStream output = tls.getOutputStream();
            output.write(System.in.readAllBytes());
            tls.shutdownOutput();
            System.out.write(tls.getInputStream().readAllBytes());
            System.out.flush();
        }
    }
}

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.HttpsURLConnection;

/** HttpsURLConnection with stock settings: the client that CUCM's licensing agent most likely is. */
final class UrlConnection {
    public static void main(String[] posts) throws IOException {
        Posts.run(posts, UrlConnection::post);
    }

    private static String post(URI url, byte[] message) throws Exception {
        HttpsURLConnection connection = (HttpsURLConnection) url.toURL().openConnection();
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        connection.setRequestProperty("Content-Type", "application/json");
        try (OutputStream out = connection.getOutputStream()) {
            out.write(message);
        }
        String body = new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return connection.getResponseCode() + " " + connection.getResponseMessage() + "\n" + body;
    }
}

import java.io.IOException;
import java.net.Authenticator;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** java.net.http.HttpClient with stock settings: the JDK's newer client, which offers HTTP/2 inside the tunnel. */
final class NetHttp {
    public static void main(String[] posts) throws IOException {
        Posts.run(posts, NetHttp::post);
    }

    private static String post(URI url, byte[] message) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(url)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(message))
                .build();
        HttpResponse<String> response = client().send(request, HttpResponse.BodyHandlers.ofString());
        return response.statusCode() + "\n" + response.body(); // this client drops the reason phrase
    }

    private static HttpClient client() {
        Authenticator login = Authenticator.getDefault(); // not used by this client unless set
        return login == null ? HttpClient.newHttpClient() : HttpClient.newBuilder().authenticator(login).build();
    }
}

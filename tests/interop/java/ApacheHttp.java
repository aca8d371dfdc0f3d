import java.io.IOException;
import java.net.URI;
import org.apache.http.StatusLine;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.entity.ByteArrayEntity;
import org.apache.http.entity.ContentType;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.util.EntityUtils;

/** Apache HttpClient 4.5 set up from the system properties: the other likely client of a Java product. */
final class ApacheHttp {
    private static final CloseableHttpClient CLIENT = HttpClients.createSystem();

    public static void main(String[] visits) throws IOException {
        Posts.run(visits, ApacheHttp::post);
    }

    private static String post(URI url, byte[] message) throws Exception {
        HttpPost request = new HttpPost(url);
        request.setEntity(new ByteArrayEntity(message, ContentType.APPLICATION_JSON));
        try (CloseableHttpResponse response = CLIENT.execute(request)) {
            StatusLine line = response.getStatusLine();
            String body = EntityUtils.toString(response.getEntity());
            return line.getStatusCode() + " " + line.getReasonPhrase() + "\n" + body;
        }
    }
}

import java.io.IOException;
import java.net.URI;
import org.apache.http.HttpHost;
import org.apache.http.StatusLine;
import org.apache.http.auth.ChallengeState;
import org.apache.http.client.AuthCache;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpPost;
import org.apache.http.client.protocol.HttpClientContext;
import org.apache.http.entity.ByteArrayEntity;
import org.apache.http.entity.ContentType;
import org.apache.http.impl.auth.BasicScheme;
import org.apache.http.impl.client.BasicAuthCache;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.util.EntityUtils;

/**
 * Apache HttpClient 4.5 configured by system properties, the other likely client of a Java product. With
 * -Dpreemptive=true it sends Basic without waiting for a challenge, as some products do.
 */
final class ApacheHttp {
    private static final CloseableHttpClient CLIENT = HttpClients.createSystem();

    public static void main(String[] posts) throws IOException {
        Posts.run(posts, ApacheHttp::post);
    }

    private static String post(URI url, byte[] message) throws Exception {
        HttpPost request = new HttpPost(url);
        request.setEntity(new ByteArrayEntity(message, ContentType.APPLICATION_JSON));
        try (CloseableHttpResponse response = CLIENT.execute(request, context())) {
            StatusLine line = response.getStatusLine();
            String body = EntityUtils.toString(response.getEntity());
            return line.getStatusCode() + " " + line.getReasonPhrase() + "\n" + body;
        }
    }

    private static HttpClientContext context() {
        HttpClientContext context = HttpClientContext.create();
        if (Boolean.getBoolean("preemptive")) {
            String host = System.getProperty("https.proxyHost");
            AuthCache known = new BasicAuthCache();
            known.put(new HttpHost(host, Integer.getInteger("https.proxyPort")), new BasicScheme(ChallengeState.PROXY));
            context.setAuthCache(known);
        }
        return context;
    }
}

// Asks by the client that openapi-generator makes for Java.
import com.google.gson.Gson;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.QuestionsApi;
import org.openapitools.client.model.Answer;
import org.openapitools.client.model.Batch;
import org.openapitools.client.model.BatchAnswerItemsInner;
import org.openapitools.client.model.ItemError;
import org.openapitools.client.model.Question;
import org.openapitools.client.model.QuestionPart;

public class Check {
  static Question question() {
    return new Question().identity("service:telemetry").vendor("mixpanel").environment("production").event("genai_dashboard.viewed");
  }

  static QuestionsApi api(String url, String token) {
    ApiClient client = new ApiClient().setBasePath(url);
    client.setBearerToken(token);
    return new QuestionsApi(client);
  }

  public static void main(String[] args) throws ApiException {
    QuestionsApi questions = api(args[0], args[1]);
    Answer allowed = questions.check(question().fields(Set.of("anon_user_id")), null);
    Answer denied = questions.check(question().fields(Set.of("anon_user_id", "org_id")), null);
    Answer payload = questions.check(question().payload(Map.of("anon_user_id", "a1")), null);
    QuestionPart defaults = new QuestionPart().identity("service:telemetry").vendor("mixpanel").environment("production").event("genai_dashboard.viewed").fields(Set.of("anon_user_id"));
    Batch batch = new Batch().defaults(defaults).items(List.of(new QuestionPart(), new QuestionPart().categories(Set.of("user"))));
    List<String> items = new ArrayList<>();
    for (BatchAnswerItemsInner item : questions.checkBatch(batch, null).getItems()) {
      items.add(item.getActualInstance() instanceof ItemError ? item.getItemError().getError().getCode().getValue() : item.getAnswer().getDecision().getValue());
    }
    String refused = "answered";
    try {
      api(args[0], "nobody").check(question().fields(Set.of("city")), null);
    } catch (ApiException error) {
      refused = new Gson().fromJson(error.getResponseBody(), Map.class).get("code").toString();
    }
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("allowed", allowed.getDecision().getValue());
    told.put("denied", denied.getDecision().getValue());
    told.put("drop", denied.getFix().getDrop());
    told.put("payload", payload.getDecision().getValue());
    told.put("items", items);
    told.put("refused", refused);
    System.out.println(new Gson().toJson(told));
  }
}

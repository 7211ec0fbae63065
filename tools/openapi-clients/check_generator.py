"""Asks by the client that openapi-generator makes for Python."""

import json
import sys

from sluice_client import ApiClient, ApiException, Batch, Configuration, ItemError, Question, QuestionPart, QuestionsApi

url, token = sys.argv[1:]


def api(bearer: str) -> QuestionsApi:
    return QuestionsApi(ApiClient(Configuration(host=url, access_token=bearer)))


WHO = {"identity": "service:telemetry", "vendor": "mixpanel", "environment": "production", "event": "genai_dashboard.viewed"}
questions = api(token)
allowed = questions.check(Question(**WHO, fields=["anon_user_id"]))
denied = questions.check(Question(**WHO, fields=["anon_user_id", "org_id"]))
payload = questions.check(Question(**WHO, payload={"anon_user_id": "a1"}))
batch = questions.check_batch(Batch(defaults=QuestionPart(**WHO, fields=["anon_user_id"]), items=[QuestionPart(), QuestionPart(categories=["user"])]))
items = [item.actual_instance for item in batch.items]
try:
    api("nobody").check(Question(**WHO, fields=["city"]))
    refused = "answered"
except ApiException as error:
    refused = error.data.code.value
print(json.dumps({
    "allowed": allowed.decision.value, "denied": denied.decision.value, "drop": denied.fix.drop, "payload": payload.decision.value,
    "items": [item.error.code.value if isinstance(item, ItemError) else item.decision.value for item in items], "refused": refused,
}))

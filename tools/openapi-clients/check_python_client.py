"""Asks by the client that openapi-python-client makes."""

import json
import sys

from sluice_client import AuthenticatedClient
from sluice_client.api.questions import check, check_batch
from sluice_client.models import Answer, Batch, BatchAnswer, Error, ItemError, Question, QuestionPart, QuestionPayload

url, token = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token)


def question(fields: list[str]) -> Question:
    return Question(identity="service:telemetry", vendor="mixpanel", environment="production", event="genai_dashboard.viewed", fields=fields)


def ask(asked: Question) -> Answer:
    answer = check.sync(client=client, body=asked)
    if not isinstance(answer, Answer):
        raise SystemExit(f"no answer: {answer}")
    return answer


with_payload = Question(identity="service:telemetry", vendor="mixpanel", environment="production", event="genai_dashboard.viewed", payload=QuestionPayload.from_dict({"anon_user_id": "a1"}))
allowed, denied, payload = ask(question(["anon_user_id"])), ask(question(["anon_user_id", "org_id"])), ask(with_payload)
defaults = QuestionPart(identity="service:telemetry", vendor="mixpanel", environment="production", event="genai_dashboard.viewed", fields=["anon_user_id"])
batch = check_batch.sync(client=client, body=Batch(defaults=defaults, items=[QuestionPart(), QuestionPart(categories=["user"])]))
assert isinstance(batch, BatchAnswer) and denied.fix is not None
refused = check.sync(client=AuthenticatedClient(base_url=url, token="nobody"), body=question(["city"]))
assert isinstance(refused, Error)
print(json.dumps({
    "allowed": allowed.decision.value, "denied": denied.decision.value, "drop": denied.fix.drop, "payload": payload.decision.value,
    "items": [item.error.code.value if isinstance(item, ItemError) else item.decision.value for item in batch.items], "refused": refused.code.value,
}))

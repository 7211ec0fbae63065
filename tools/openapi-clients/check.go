// Asks by the client that openapi-generator makes for Go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	sluice "example.com/sluice"
)

func fields(names ...string) sluice.Question {
	question := sluice.NewQuestion("service:telemetry", "production")
	question.SetVendor("mixpanel")
	question.SetEvent("genai_dashboard.viewed")
	if len(names) > 0 {
		question.SetFields(names)
	}
	return *question
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	configuration := sluice.NewConfiguration()
	configuration.Servers = sluice.ServerConfigurations{{URL: os.Args[1]}}
	client := sluice.NewAPIClient(configuration)
	as := func(token string) context.Context { return context.WithValue(context.Background(), sluice.ContextAccessToken, token) }
	check := func(question sluice.Question) *sluice.Answer {
		answer, _, err := client.QuestionsAPI.Check(as(os.Args[2])).Question(question).Execute()
		return must(answer, err)
	}

	withPayload := fields()
	withPayload.SetPayload(map[string]interface{}{"anon_user_id": "a1"})
	allowed, denied, payload := check(fields("anon_user_id")), check(fields("anon_user_id", "org_id")), check(withPayload)

	defaults := sluice.NewQuestionPart()
	defaults.SetIdentity("service:telemetry")
	defaults.SetVendor("mixpanel")
	defaults.SetEnvironment("production")
	defaults.SetEvent("genai_dashboard.viewed")
	defaults.SetFields([]string{"anon_user_id"})
	both := sluice.NewQuestionPart()
	both.SetCategories([]string{"user"})
	batch := sluice.NewBatch([]sluice.QuestionPart{*sluice.NewQuestionPart(), *both})
	batch.SetDefaults(*defaults)
	answers, _, err := client.QuestionsAPI.CheckBatch(as(os.Args[2])).Batch(*batch).Execute()
	items := []string{}
	for _, item := range must(answers, err).Items {
		if item.ItemError != nil {
			items = append(items, string(item.ItemError.Error.Code))
		} else {
			items = append(items, string(item.Answer.Decision))
		}
	}

	_, _, refusal := client.QuestionsAPI.Check(as("nobody")).Question(fields("city")).Execute()
	var problem *sluice.GenericOpenAPIError
	refused := "answered"
	if errors.As(refusal, &problem) {
		refused = string(problem.Model().(sluice.Error).Code)
	}
	told := must(json.Marshal(map[string]interface{}{
		"allowed": allowed.Decision, "denied": denied.Decision, "drop": denied.Fix.Get().Drop, "payload": payload.Decision, "items": items, "refused": refused,
	}))
	fmt.Println(string(told))
}

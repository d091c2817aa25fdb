package guard_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/guard"
)

var names = guard.Names{
	Table: "latchkey", Bus: "latchkey", Key: "alias/latchkey-metadata",
	Sender: "invitations@latchkey.example", Identity: "latchkey.example", ConfigurationSet: "latchkey",
}

var sample = blueprint.Function{Name: "sample", Permissions: []blueprint.Permission{
	{Verb: blueprint.Read, On: blueprint.OnTable, Keys: []string{"WS#*"}},
	{Verb: blueprint.Query, On: blueprint.OnTable, Keys: []string{"WS#*"}},
	{Verb: blueprint.Insert, On: blueprint.OnTable, Keys: []string{"WS#*", "SLUG#*"}},
	{Verb: blueprint.InsertMany, On: blueprint.OnTable, Keys: []string{"HISTORY#*"}},
	{Verb: blueprint.Check, On: blueprint.OnTable, Keys: []string{"RECIPIENT#*"}},
	{Verb: blueprint.Query, On: blueprint.OnByStatus},
	{Verb: blueprint.Query, On: blueprint.OnByDue, Keys: []string{"DUE#0*"}},
	{Verb: blueprint.Publish, On: blueprint.OnBus},
	{Verb: blueprint.Send, On: blueprint.OnSender},
	{Verb: blueprint.Unwrap, On: blueprint.OnLinkKeys},
	{Verb: blueprint.Unwrap, On: blueprint.OnMetadataKey},
	{Verb: blueprint.Postpone, On: blueprint.OnQueue(blueprint.QueueMail)},
}}

// ask sends a call through the guard of a function, and gives the answer and
// whether the service behind it was reached.
func ask(t *testing.T, f blueprint.Function, target, path, body string) (answer *httptest.ResponseRecorder, reached bool) {
	t.Helper()
	g, err := guard.New(f, names)
	if err != nil {
		t.Fatal(err)
	}
	behind := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		reached = err == nil && string(got) == body
	})
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
	}
	answer = httptest.NewRecorder()
	g.Before(behind).ServeHTTP(answer, req)
	return answer, reached
}

func TestCallsToTheTable(t *testing.T) {
	for _, c := range []struct {
		name, operation, body string
		permitted             bool
	}{
		{"a read", "GetItem", `{"TableName":"latchkey","Key":{"pk":{"S":"WS#1"},"sk":{"S":"WORKSPACE"}}}`, true},
		{"a read by the table's ARN", "GetItem", `{"TableName":"arn:aws:dynamodb:us-east-1:000000000000:table/latchkey","Key":{"pk":{"S":"WS#1"}}}`, true},
		{"a read of another kind of key", "GetItem", `{"TableName":"latchkey","Key":{"pk":{"S":"ACCOUNT#1"}}}`, false},
		{"a read of another table", "GetItem", `{"TableName":"other","Key":{"pk":{"S":"WS#1"}}}`, false},
		{"a read without a table", "GetItem", `{"Key":{"pk":{"S":"WS#1"}}}`, false},
		{"a batch", "BatchGetItem", `{"RequestItems":{"latchkey":{"Keys":[{"pk":{"S":"WS#1"}},{"pk":{"S":"WS#2"}}]}}}`, true},
		{"a batch with a key too many", "BatchGetItem", `{"RequestItems":{"latchkey":{"Keys":[{"pk":{"S":"WS#1"}},{"pk":{"S":"ACCOUNT#2"}}]}}}`, false},
		{"a batch with a table too many", "BatchGetItem", `{"RequestItems":{"latchkey":{"Keys":[{"pk":{"S":"WS#1"}}]},"other":{"Keys":[{"pk":{"S":"WS#1"}}]}}}`, false},
		{"a put", "PutItem", `{"TableName":"latchkey","Item":{"pk":{"S":"WS#1"},"metadata":{"B":"AQ=="},"groups":{"SS":["a"]},"n":{"NULL":true}}}`, true},
		{"a put elsewhere", "PutItem", `{"TableName":"latchkey","Item":{"pk":{"S":"HISTORY#1"}}}`, false},
		{"an update", "UpdateItem", `{"TableName":"latchkey","Key":{"pk":{"S":"WS#1"}}}`, false},
		{"a delete", "DeleteItem", `{"TableName":"latchkey","Key":{"pk":{"S":"WS#1"}}}`, false},
		{"a query", "Query", `{"TableName":"latchkey","KeyConditionExpression":"pk = :pk AND begins_with(sk, :user)","ExpressionAttributeValues":{":pk":{"S":"WS#1"},":user":{"S":"USER#"}}}`, true},
		{"a query as AWS's expression package writes it", "Query", `{"TableName":"latchkey","KeyConditionExpression":"(#0 = :0) AND (begins_with (#1, :1))","ExpressionAttributeNames":{"#0":"pk","#1":"sk"},"ExpressionAttributeValues":{":0":{"S":"WS#1"},":1":{"S":"USER#"}}}`, true},
		{"and its names in the other order", "Query", `{"TableName":"latchkey","KeyConditionExpression":"(#0 = :0) AND (#1 = :1)","ExpressionAttributeNames":{"#0":"sk","#1":"pk"},"ExpressionAttributeValues":{":0":{"S":"WS#1"},":1":{"S":"HISTORY#1"}}}`, false},
		{"a query of another partition, whatever :pk says", "Query", `{"TableName":"latchkey","KeyConditionExpression":"pk=:other","ExpressionAttributeValues":{":pk":{"S":"WS#1"},":other":{"S":"HISTORY#1"}}}`, false},
		{"a query that names no partition", "Query", `{"TableName":"latchkey","KeyConditionExpression":"sk = :pk","ExpressionAttributeValues":{":pk":{"S":"WS#1"}}}`, false},
		{"a range is no partition", "Query", `{"TableName":"latchkey","KeyConditionExpression":"pk <= :pk","ExpressionAttributeValues":{":pk":{"S":"WS#1"}}}`, false},
		{"a query of an index", "Query", `{"TableName":"latchkey","IndexName":"byStatus","KeyConditionExpression":"statusPk = :ws AND statusSk BETWEEN :from AND :to","ExpressionAttributeValues":{":ws":{"S":"ws_1"},":from":{"S":"a"},":to":{"S":"b"}}}`, true},
		{"a query of an index, by its own partition key", "Query", `{"TableName":"latchkey","IndexName":"byDue","KeyConditionExpression":"duePk = :d","ExpressionAttributeValues":{":d":{"S":"DUE#03"}}}`, true},
		{"and of another partition of it", "Query", `{"TableName":"latchkey","IndexName":"byDue","KeyConditionExpression":"duePk = :d","ExpressionAttributeValues":{":d":{"S":"DUE#13"}}}`, false},
		{"a query of another index", "Query", `{"TableName":"latchkey","IndexName":"byEmail","KeyConditionExpression":"emailPk = :e","ExpressionAttributeValues":{":e":{"S":"x"}}}`, false},
		{"a transaction of puts", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"latchkey","Item":{"pk":{"S":"SLUG#1"}}}},{"Put":{"TableName":"latchkey","Item":{"pk":{"S":"WS#1"}}}}]}`, true},
		{"a transaction with an update", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"latchkey","Item":{"pk":{"S":"WS#1"}}}},{"Update":{"TableName":"latchkey","Key":{"pk":{"S":"WS#1"}}}}]}`, false},
		{"a transaction in another table", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"other","Item":{"pk":{"S":"WS#1"}}}}]}`, false},
		{"a condition check", "TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"TableName":"latchkey","Key":{"pk":{"S":"RECIPIENT#1"}}}}]}`, true},
		{"a condition check on what may only be read", "TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"TableName":"latchkey","Key":{"pk":{"S":"WS#1"}}}}]}`, false},
		{"a transaction of reads", "TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"latchkey","Key":{"pk":{"S":"WS#1"}}}}]}`, true},
		{"a batch of writes", "BatchWriteItem", `{"RequestItems":{"latchkey":[{"PutRequest":{"Item":{"pk":{"S":"HISTORY#1"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"HISTORY#2"}}}}]}}`, true},
		{"a batch of writes elsewhere", "BatchWriteItem", `{"RequestItems":{"latchkey":[{"PutRequest":{"Item":{"pk":{"S":"WS#1"}}}}]}}`, false},
		{"a batch with a deletion elsewhere", "BatchWriteItem", `{"RequestItems":{"latchkey":[{"DeleteRequest":{"Key":{"pk":{"S":"WS#1"}}}}]}}`, false},
		{"a scan", "Scan", `{"TableName":"latchkey"}`, false},
		{"PartiQL", "ExecuteStatement", `{"Statement":"SELECT * FROM latchkey"}`, false},
		{"what is no JSON", "GetItem", `{`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, reached := ask(t, sample, "DynamoDB_20120810."+c.operation, "/", c.body)
			if reached != c.permitted || (res.Code == http.StatusOK) != c.permitted {
				t.Errorf("reached %v, %d %s", reached, res.Code, res.Body)
			}
			if !c.permitted && !strings.Contains(res.Body.String(), "AccessDeniedException") {
				t.Errorf("refused with %s", res.Body)
			}
		})
	}
}

func TestCallsToOtherServices(t *testing.T) {
	const mails = "/v2/email/outbound-emails"
	for _, c := range []struct {
		name, target, path, body string
		permitted                bool
	}{
		{"a data key with its context", "TrentService.Decrypt", "/", `{"CiphertextBlob":"AQ==","EncryptionContext":{"workspace":"ws_1"}}`, true},
		{"the key by its name", "TrentService.Decrypt", "/", `{"KeyId":"alias/latchkey-metadata","EncryptionContext":{"workspace":"ws_1"}}`, true},
		{"without a context", "TrentService.Decrypt", "/", `{"CiphertextBlob":"AQ=="}`, false},
		{"with more in its context", "TrentService.Decrypt", "/", `{"EncryptionContext":{"workspace":"ws_1","user":"usr_1"}}`, false},
		{"with another context", "TrentService.Decrypt", "/", `{"EncryptionContext":{"tenant":"ws_1"}}`, false},
		{"with another key", "TrentService.Decrypt", "/", `{"KeyId":"alias/other","EncryptionContext":{"workspace":"ws_1"}}`, false},
		{"a new data key", "TrentService.GenerateDataKeyWithoutPlaintext", "/", `{"KeyId":"alias/latchkey-metadata","EncryptionContext":{"workspace":"ws_1"}}`, false},
		{"a link key", "TrentService.Decrypt", "/", `{"CiphertextBlob":"AQ==","EncryptionContext":{"purpose":"links"}}`, true},
		{"a key for another purpose", "TrentService.Decrypt", "/", `{"CiphertextBlob":"AQ==","EncryptionContext":{"purpose":"cursors"}}`, false},
		{"a link key of a workspace", "TrentService.Decrypt", "/", `{"CiphertextBlob":"AQ==","EncryptionContext":{"purpose":"links","workspace":"ws_1"}}`, false},
		{"a new link key", "TrentService.GenerateDataKeyWithoutPlaintext", "/", `{"EncryptionContext":{"purpose":"links"}}`, false},
		{"a link key from elsewhere", "TrentService.Encrypt", "/", `{"EncryptionContext":{"purpose":"links"}}`, false},
		{"a secret", "secretsmanager.GetSecretValue", "/", `{"SecretId":"latchkey/link-key"}`, false},
		{"events", "AWSEvents.PutEvents", "/", `{"Entries":[{"EventBusName":"latchkey","Source":"latchkey","DetailType":"user.invited","Detail":"{}"}]}`, true},
		{"events on the account's bus", "AWSEvents.PutEvents", "/", `{"Entries":[{"EventBusName":"latchkey"},{"Source":"latchkey"}]}`, false},
		{"a mail", "", mails, `{"FromEmailAddress":"\"Nexus\" <invitations@latchkey.example>","ConfigurationSetName":"latchkey","Destination":{"ToAddresses":["a@b.c"]},"Content":{"Simple":{}}}`, true},
		{"a mail from somebody else there", "", mails, `{"FromEmailAddress":"ceo@latchkey.example","ConfigurationSetName":"latchkey"}`, false},
		{"a mail from elsewhere", "", mails, `{"FromEmailAddress":"invitations@other.example","ConfigurationSetName":"latchkey"}`, false},
		{"a mail from nobody", "", mails, `{"ConfigurationSetName":"latchkey"}`, false},
		{"with another configuration set", "", mails, `{"FromEmailAddress":"invitations@latchkey.example","ConfigurationSetName":"other"}`, false},
		{"a raw mail", "", mails, `{"FromEmailAddress":"invitations@latchkey.example","ConfigurationSetName":"latchkey","Content":{"Raw":{"Data":"AQ=="}}}`, false},
		{"mail in bulk", "", "/v2/email/outbound-bulk-emails", `{}`, false},
		{"a message of its queue, later", "AmazonSQS.ChangeMessageVisibility", "/", `{"QueueUrl":"https://sqs/0/mail","ReceiptHandle":"x","VisibilityTimeout":60}`, true},
		{"a message of another queue", "AmazonSQS.ChangeMessageVisibility", "/", `{"QueueUrl":"https://sqs/0/feedback","ReceiptHandle":"x","VisibilityTimeout":60}`, false},
		{"a new message", "AmazonSQS.SendMessage", "/", `{"QueueUrl":"https://sqs/0/mail"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, reached := ask(t, sample, c.target, c.path, c.body)
			if reached != c.permitted {
				t.Errorf("reached %v, %d %s", reached, res.Code, res.Body)
			}
			if want := http.StatusForbidden; !c.permitted && c.target == "" && (res.Code != want || res.Header().Get("X-Amzn-Errortype") != "AccessDeniedException") {
				t.Errorf("SES answers %d %v", res.Code, res.Header())
			}
			if !c.permitted && !strings.Contains(res.Body.String(), "AccessDeniedException") {
				t.Errorf("refused with %s", res.Body)
			}
		})
	}
}

// A refusal names the kind of key, and nobody.
func TestARefusalNamesNobody(t *testing.T) {
	res, _ := ask(t, sample, "DynamoDB_20120810.GetItem", "/", `{"TableName":"latchkey","Key":{"pk":{"S":"ACCOUNT#secret"}}}`)
	if said := res.Body.String(); strings.Contains(said, "secret") || !strings.Contains(said, "ACCOUNT#") || !strings.Contains(said, "dynamodb:GetItem") {
		t.Error(said)
	}
}

// Every function of the blueprint may do what its triggers need.
func TestTriggers(t *testing.T) {
	for _, f := range blueprint.Functions() {
		if _, err := guard.New(f, names); err != nil {
			t.Error(err)
		}
	}
}

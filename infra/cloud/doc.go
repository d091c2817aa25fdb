// Package latchkey renders the blueprint as AWS resources: a CDK construct
// that deploys the whole service, for Latchkey's own app in infra/main.go and
// for the CDK app of anyone who imports it:
//
//	service := latchkey.New(stack, "Latchkey", &latchkey.Props{
//		Dashboards: []string{"https://app.example.com"},
//		Sender:     "Example <invitations@example.com>",
//		AlarmMail:  "on-call@example.com",
//	})
//
// It holds no rule of its own about what exists: routes, permissions, queues
// and schedules are read from infra/blueprint. It may import CDK, jsii and the
// blueprint; nothing that a Lambda function is built from may import it.
package latchkey

package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// #region slack

// slack posts a line to a channel when an invitation's mail fails. The secret
// slack-token holds "Bearer xoxb-…", the token of an app that may chat:write.
func slack(stack awscdk.Stack, bus awsevents.IEventBus, channel string) {
	connection := awsevents.NewConnection(stack, jsii.String("SlackToken"), &awsevents.ConnectionProps{
		Authorization: awsevents.Authorization_ApiKey(jsii.String("Authorization"),
			awscdk.SecretValue_SecretsManager(jsii.String("slack-token"), nil)),
	})
	destination := awsevents.NewApiDestination(stack, jsii.String("Slack"), &awsevents.ApiDestinationProps{
		Connection: connection, Endpoint: jsii.String("https://slack.com/api/chat.postMessage"),
		RateLimitPerSecond: jsii.Number(1), // what Slack allows for a channel
	})
	id := func(of string) *string { return awsevents.EventField_FromPath(jsii.String("$.detail." + of)) }
	awsevents.NewRule(stack, jsii.String("TellSlack"), &awsevents.RuleProps{
		EventBus: bus,
		EventPattern: &awsevents.EventPattern{
			Source:     jsii.Strings("latchkey"),
			DetailType: jsii.Strings("invitation.delivery_changed"),
			Detail:     &map[string]any{"delivery": []string{"bounced", "complained", "failed"}},
		},
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewApiDestination(destination, &awseventstargets.ApiDestinationProps{
			Event: awsevents.RuleTargetInput_FromObject(map[string]any{
				"channel": channel,
				"text":    "Mail to " + *id("userId") + " in " + *id("workspaceId") + ": " + *id("delivery"),
			}),
		})},
	})
}

// #endregion slack

// #region webhook

// webhook sends every event about a user to an address, with a secret of the
// receiver's in the header X-Api-Key. What could not be delivered within a day
// waits in a queue.
func webhook(stack awscdk.Stack, bus awsevents.IEventBus, address string) {
	connection := awsevents.NewConnection(stack, jsii.String("WebhookKey"), &awsevents.ConnectionProps{
		Authorization: awsevents.Authorization_ApiKey(jsii.String("X-Api-Key"),
			awscdk.SecretValue_SecretsManager(jsii.String("webhook-key"), nil)),
	})
	destination := awsevents.NewApiDestination(stack, jsii.String("Webhook"), &awsevents.ApiDestinationProps{
		Connection: connection, Endpoint: jsii.String(address), RateLimitPerSecond: jsii.Number(50),
	})
	undelivered := awssqs.NewQueue(stack, jsii.String("Undelivered"), &awssqs.QueueProps{
		EnforceSSL: jsii.Bool(true), RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
	})
	awsevents.NewRule(stack, jsii.String("CallWebhook"), &awsevents.RuleProps{
		EventBus: bus,
		EventPattern: &awsevents.EventPattern{
			Source:     jsii.Strings("latchkey"),
			DetailType: awsevents.Match_Prefix(jsii.String("user.")),
		},
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewApiDestination(destination, &awseventstargets.ApiDestinationProps{
			Event:           awsevents.RuleTargetInput_FromEventPath(jsii.String("$.detail")),
			DeadLetterQueue: undelivered,
		})},
	})
}

// #endregion webhook

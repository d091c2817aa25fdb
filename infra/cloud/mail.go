package latchkey

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsses"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// addMail makes the sender's identity, the configuration set that every mail
// goes through, and the way back for notices: SES, topic, queue.
func (l *Latchkey) addMail() {
	set := awsses.NewCfnConfigurationSet(l.scope, jsii.String("ConfigurationSet"), &awsses.CfnConfigurationSetProps{
		Name:               &l.props.NamePrefix,
		ReputationOptions:  map[string]any{"reputationMetricsEnabled": true},
		SendingOptions:     map[string]any{"sendingEnabled": true},
		SuppressionOptions: map[string]any{"suppressedReasons": []string{"BOUNCE", "COMPLAINT"}},
	})
	l.configurationSet = set.Ref()
	l.senderARNs = []*string{
		l.arn("ses", "identity/"+l.addSender()),
		l.arn("ses", "configuration-set/"+*set.Ref()),
	}
	l.addNotices(set)
}

// addSender makes the identity where none is given, and returns its name.
func (l *Latchkey) addSender() string {
	if l.props.SenderIdentity != "" {
		return l.props.SenderIdentity
	}
	name := domainOf(l.sender.Address)
	if l.props.VerifyAddressOnly {
		name = l.sender.Address
	}
	props := &awsses.CfnEmailIdentityProps{
		EmailIdentity: &name,
		// Notices go to the topic; mail about bounced mail helps nobody.
		FeedbackAttributes: map[string]any{"emailForwardingEnabled": false},
	}
	if !l.props.VerifyAddressOnly {
		props.DkimAttributes = map[string]any{"signingEnabled": true}
		props.DkimSigningAttributes = map[string]any{"nextSigningKeyLength": "RSA_2048_BIT"}
	}
	if l.props.MailFromDomain != "" {
		props.MailFromAttributes = map[string]any{
			"mailFromDomain": l.props.MailFromDomain,
			// Better from amazonses.com than not at all while DNS is missing.
			"behaviorOnMxFailure": "USE_DEFAULT_VALUE",
		}
	}
	identity := awsses.NewCfnEmailIdentity(l.scope, jsii.String("SenderIdentity"), props)
	l.beforeData(identity)
	if !l.props.VerifyAddressOnly {
		l.outputRecords(l.senderRecords(identity))
	}
	return name
}

// addNotices takes SES's notices to their queue, and counts mails by outcome.
// Opens and clicks are in neither list, so SES adds no pixel and rewrites no
// link.
func (l *Latchkey) addNotices(set awsses.CfnConfigurationSet) {
	t := blueprint.MailNotices()
	topic := awssns.NewTopic(l.scope, jsii.String("Topic-"+t.Name), &awssns.TopicProps{
		TopicName: l.named(t.Name), EnforceSSL: jsii.Bool(true),
	})
	topic.AddSubscription(awssnssubscriptions.NewSqsSubscription(l.queues[t.Queue], &awssnssubscriptions.SqsSubscriptionProps{
		RawMessageDelivery: &t.Raw, DeadLetterQueue: l.queues[t.DeadLetter],
	}))
	policy := topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("SESPublishes"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("ses.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  &[]*string{topic.TopicArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{
			"AWS:SourceAccount": l.stack.Account(),
			"AWS:SourceArn":     l.senderARNs[1],
		}},
	}))
	notices := awsses.NewCfnConfigurationSetEventDestination(l.scope, jsii.String("Notices"), &awsses.CfnConfigurationSetEventDestinationProps{
		ConfigurationSetName: set.Ref(),
		EventDestination: map[string]any{
			"name": "notices", "enabled": true, "matchingEventTypes": t.Notices,
			"snsDestination": map[string]any{"topicArn": topic.TopicArn()},
		},
	})
	// SES tries the topic at once, so its policy has to be there before.
	notices.Node().AddDependency(policy.PolicyDependable)

	awsses.NewCfnConfigurationSetEventDestination(l.scope, jsii.String("Counts"), &awsses.CfnConfigurationSetEventDestinationProps{
		ConfigurationSetName: set.Ref(),
		EventDestination: map[string]any{
			"name": "counts", "enabled": true,
			"matchingEventTypes": []string{"SEND", "DELIVERY", "BOUNCE", "COMPLAINT"},
			"cloudWatchDestination": map[string]any{"dimensionConfigurations": []map[string]any{{
				"dimensionName": "ses:configuration-set", "dimensionValueSource": "messageTag", "defaultDimensionValue": "none",
			}}},
		},
	})
}

package latchkey

import (
	"encoding/json"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// addMessaging makes the queues, the bus and its rules.
func (l *Latchkey) addMessaging() {
	queues := blueprint.Queues()
	// Dead-letter queues first: the others point to them.
	slices.SortStableFunc(queues, func(a, b blueprint.Queue) int { return len(a.DeadLetter) - len(b.DeadLetter) })
	for _, q := range queues {
		l.queues[q.Name] = l.newQueue(q)
	}
	l.Bus = awsevents.NewEventBus(l.scope, jsii.String("Bus"), &awsevents.EventBusProps{
		EventBusName: &l.props.NamePrefix,
		Description:  jsii.String("Latchkey: domain events"),
	})
	for _, r := range blueprint.Rules() {
		target := awseventstargets.NewSqsQueue(l.queues[r.Queue], &awseventstargets.SqsQueueProps{
			DeadLetterQueue: l.queues[r.DeadLetter],
			MaxEventAge:     awscdk.Duration_Hours(jsii.Number(24)),
			RetryAttempts:   jsii.Number(185),
		})
		rule := awsevents.NewRule(l.scope, jsii.String("Rule-"+r.Name), &awsevents.RuleProps{
			RuleName: l.named(r.Name), EventBus: l.Bus, Targets: &[]awsevents.IRuleTarget{target},
			EventPattern: &awsevents.EventPattern{Source: jsii.Strings("replaced below")},
		})
		rendered := rule.Node().DefaultChild().(awsevents.CfnRule)
		rendered.SetEventPattern(r.Pattern)
		if r.Tenant != "" {
			rendered.AddPropertyOverride(jsii.String("Targets.0.SqsParameters"), map[string]string{"MessageGroupId": r.Tenant})
		}
	}
}

func (l *Latchkey) newQueue(q blueprint.Queue) awssqs.Queue {
	props := &awssqs.QueueProps{
		QueueName:       l.named(q.Name),
		RetentionPeriod: seconds(q.Retention.Seconds()),
		EnforceSSL:      jsii.Bool(true),
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
	}
	if q.Visibility > 0 {
		props.VisibilityTimeout = seconds(q.Visibility.Seconds())
	}
	if q.DeadLetter == "" {
		queue := awssqs.NewQueue(l.scope, jsii.String("Queue-"+q.Name), props)
		const reason = "it is a dead-letter queue itself: an alarm watches it, and people empty it"
		exceptions := []suppression{{"Serverless-SQSRedrivePolicy", reason}}
		if !isRedriveTarget(q.Name) { // cdk-nag knows those that queues point to
			exceptions = append(exceptions, suppression{"AwsSolutions-SQS3", reason})
		}
		suppress(queue.Node().DefaultChild(), exceptions...)
		return queue
	}
	props.DeadLetterQueue = &awssqs.DeadLetterQueue{
		Queue: l.queues[q.DeadLetter], MaxReceiveCount: jsii.Number(float64(q.MaxReceives)),
	}
	return awssqs.NewQueue(l.scope, jsii.String("Queue-"+q.Name), props)
}

func isRedriveTarget(name string) bool {
	return slices.ContainsFunc(blueprint.Queues(), func(q blueprint.Queue) bool { return q.DeadLetter == name })
}

// addTriggers wires the stream, the queue and the schedule of a function.
func (l *Latchkey) addTriggers(f blueprint.Function) {
	function := l.entries[f.Name]
	if s := f.Stream; s != nil {
		filters := make([]map[string]any, len(s.Filter))
		for i, pattern := range s.Filter {
			filters[i] = map[string]any{"pattern": asJSON(pattern)}
		}
		awslambda.NewCfnEventSourceMapping(l.scope, jsii.String("Stream-"+f.Name), &awslambda.CfnEventSourceMappingProps{
			FunctionName: function.FunctionArn(), EventSourceArn: l.Table.TableStreamArn(),
			FilterCriteria: map[string]any{"filters": filters},
			// From the oldest record: what was written while the stack was
			// deployed is not lost.
			StartingPosition:           jsii.String("TRIM_HORIZON"),
			BatchSize:                  jsii.Number(float64(s.BatchSize)),
			MaximumRetryAttempts:       jsii.Number(float64(s.MaxRetries)),
			MaximumRecordAgeInSeconds:  jsii.Number(s.MaxRecordAge.Seconds()),
			BisectBatchOnFunctionError: s.BisectOnError,
			FunctionResponseTypes:      jsii.Strings("ReportBatchItemFailures"),
			DestinationConfig: map[string]any{
				"onFailure": map[string]any{"destination": l.queues[s.OnFailure].QueueArn()},
			},
		})
	}
	if q := f.Queue; q != nil {
		mapping := awslambda.NewCfnEventSourceMapping(l.scope, jsii.String("Consume-"+f.Name), &awslambda.CfnEventSourceMappingProps{
			FunctionName: function.FunctionArn(), EventSourceArn: l.queues[q.Queue].QueueArn(),
			BatchSize:             jsii.Number(float64(q.BatchSize)),
			ScalingConfig:         map[string]any{"maximumConcurrency": q.MaxConcurrency},
			FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
		})
		if q.BatchWindow > 0 {
			mapping.SetMaximumBatchingWindowInSeconds(jsii.Number(q.BatchWindow.Seconds()))
		}
		suppress(mapping, suppression{"Serverless-LambdaEventSourceMappingDestination",
			"a queue's mapping has no destination: the queue's own dead-letter queue takes what fails"})
	}
	if f.Schedule != nil {
		l.addSchedule(f, function)
	}
}

// addSchedule fires a function again and again. The schedule's role may call
// that function and nothing else.
func (l *Latchkey) addSchedule(f blueprint.Function, function awslambda.IFunction) {
	dead := l.queues[blueprint.QueueScheduleDead]
	role := awsiam.NewRole(l.scope, jsii.String("ScheduleRole-"+f.Schedule.Name), &awsiam.RoleProps{
		Description: jsii.String("Latchkey: the schedule " + f.Schedule.Name),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": l.stack.Account()}},
		}),
		InlinePolicies: &map[string]awsiam.PolicyDocument{"schedule": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{
			Statements: &[]awsiam.PolicyStatement{
				awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
					Actions: jsii.Strings("lambda:InvokeFunction"), Resources: &[]*string{function.FunctionArn()}}),
				awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
					Actions: jsii.Strings("sqs:SendMessage"), Resources: &[]*string{dead.QueueArn()}}),
			},
		})},
	})
	l.addRetries(f, dead)
	unit := "minutes"
	if f.Schedule.Every.Minutes() == 1 {
		unit = "minute"
	}
	awsscheduler.NewCfnSchedule(l.scope, jsii.String("Schedule-"+f.Schedule.Name), &awsscheduler.CfnScheduleProps{
		Name:               l.named(f.Schedule.Name),
		Description:        jsii.String(f.Purpose),
		ScheduleExpression: jsii.Sprintf("rate(%.0f %s)", f.Schedule.Every.Minutes(), unit),
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn: function.FunctionArn(), RoleArn: role.RoleArn(),
			DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: dead.QueueArn()},
			// The next firing does what this one missed: no use in trying long.
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
				MaximumRetryAttempts: jsii.Number(3), MaximumEventAgeInSeconds: jsii.Number(f.Schedule.Every.Seconds()),
			},
		},
	})
}

// asJSON writes a pattern as the services take it.
func asJSON(pattern map[string]any) string {
	text, err := json.Marshal(pattern)
	if err != nil {
		panic("latchkey: a pattern of the blueprint is not JSON: " + err.Error())
	}
	return string(text)
}

// addRetries bounds what becomes of a firing that fails: the scheduler hands it
// over and is done, so that the function itself has to say where it ends.
func (l *Latchkey) addRetries(f blueprint.Function, dead awssqs.Queue) {
	qualifier := "$LATEST"
	alias := l.aliases[f.Name]
	if alias != nil {
		qualifier = liveAlias
	}
	retries := awslambda.NewCfnEventInvokeConfig(l.scope, jsii.String("Retries-"+f.Name), &awslambda.CfnEventInvokeConfigProps{
		FunctionName: l.functions[f.Name].FunctionName(), Qualifier: &qualifier,
		MaximumRetryAttempts:     jsii.Number(float64(f.Schedule.Retries)),
		MaximumEventAgeInSeconds: jsii.Number(f.Schedule.Every.Seconds()),
		DestinationConfig:        map[string]any{"onFailure": map[string]any{"destination": dead.QueueArn()}},
	})
	if alias != nil { // it is named, not referred to
		retries.Node().AddDependency(alias)
	}
}

func seconds(n float64) awscdk.Duration { return awscdk.Duration_Seconds(&n) }
